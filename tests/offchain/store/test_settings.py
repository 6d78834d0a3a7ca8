"""Settings: what is read, what is refused, that no message quotes a secret."""

from collections.abc import Callable
from pathlib import Path

import pytest
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.settings import SettingsError, read_settings

CANARY = "c0ffee" * 10 + "c0ff"  # 64 hex digits


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in ("DATABASE_URL", "RPC_URL", "CHAIN_ID", "OKX_HOST", "CLOCK", "MASTER_KEY", "DEPLOYMENT"):
        monkeypatch.delenv(f"LIQPASS_{name}", raising=False)

    def setenv(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"LIQPASS_{name}", value)

    return setenv


def test_read_settings__nothing_set__conservative_rules(environment: Callable[..., None]) -> None:
    environment()

    settings = read_settings()

    assert settings.rules() == CONSERVATIVE
    assert settings.deployment_path() == Path("deployments/local.json")
    assert settings.master_keys() == []


def test_read_settings__amount_and_number_overridden__in_base_units(environment: Callable[..., None]) -> None:
    environment(PARAMETERS__PREMIUM="2.50", PARAMETERS__CONFIRMATIONS="12", PARAMETERS__DAILY_CAP="300")

    rules = read_settings().rules()

    assert (rules.premium, rules.confirmations) == (2_500_000, 12)
    assert (rules.daily_cap, rules.max_open_exposure) == (300_000_000, 1_500_000_000)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"PARAMETERS__PREMIUM": "cheap"}, "premium must be an amount of USDC"),
        ({"PARAMETERS__CONFIRMATIONS": "1.5"}, "confirmations must be a whole number"),
        ({"PARAMETERS__PREMIUMS": "1"}, "unknown parameter premiums"),
        ({"PARAMETERS__PREMIUM": "60"}, "not below the payout cap"),
        ({"CLOCK": "sundial"}, "LIQPASS_CLOCK"),
        ({"CLOCK": "chain", "CHAIN_ID": "8453"}, "31337 only"),
        ({"OKX_HOST": "https://okx.example", "CHAIN_ID": "8453"}, "www.okx.com"),
        ({"OKX_HOST": "http://www.okx.com", "CHAIN_ID": "8453"}, "https://"),
        ({"OKX_HOST": "https://www.okx.com.example", "CHAIN_ID": "84532"}, "www.okx.com"),
        ({"OKX_HOST": "https://u:p@www.okx.com", "CHAIN_ID": "8453"}, "www.okx.com"),
        ({"OKX_HOST": "http://127.0.0.1:1/path"}, "origin"),
        ({"CHAIN_ID": "base"}, "LIQPASS_CHAIN_ID"),
        ({"FACILITATOR_URL": "http://x402.example", "CHAIN_ID": "8453"}, "https:// unless"),
        ({"FACILITATOR_URL": "https://canary:key@x402.example"}, "must be a URL"),
        ({"FACILITATOR_URL": "https://x402.example/?key=canary"}, "must be a URL"),
        ({"FACILITATOR_URL": "x402.example"}, "must be a URL"),
        ({"FACILITATOR_KEY": "canary", "FACILITATOR_KEY_FILE": "/x"}, "facilitator_key_file, not both"),
        ({"PROVIDER_PASSPHRASE": "canary", "PROVIDER_PASSPHRASE_FILE": "/x"}, "not both"),
    ],
)
def test_read_settings__wrong_value__clear_error(
    environment: Callable[..., None], values: dict[str, str], message: str
) -> None:
    environment(**values)

    with pytest.raises(SettingsError, match=message):
        read_settings()


def test_read_settings__unknown_variables__each_named_without_its_value(
    environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(DATABASE_URI="canary", RPC="canary")
    monkeypatch.setenv("liqpass_master_kee", "canary")

    with pytest.raises(SettingsError) as error:
        read_settings()

    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "LIQPASS_DATABASE_URI",
        "LIQPASS_RPC",
        "liqpass_master_kee",
    ]
    assert "canary" not in str(error.value)


def test_read_settings__variables_of_scripts_and_campaigns__let_pass(
    environment: Callable[..., None],
) -> None:
    environment(JOURNAL_FOLDER="/tmp", CAMPAIGN_RUNS="9")

    assert read_settings().rules() == CONSERVATIVE


def test_read_settings__simulator_on_the_local_chain__accepted(environment: Callable[..., None]) -> None:
    environment(OKX_HOST="http://127.0.0.1:1234", CLOCK="chain")

    assert read_settings().okx_host == "http://127.0.0.1:1234"


def test_master_keys__private_file__read(environment: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(CANARY + "\n")
    file.chmod(0o600)
    environment(MASTER_KEY_FILE=str(file), PREVIOUS_MASTER_KEYS="11" * 32)

    assert read_settings().master_keys() == [bytes.fromhex(CANARY), b"\x11" * 32]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700])
def test_master_keys__file_of_another_mode__refused_without_quoting_it(
    environment: Callable[..., None], tmp_path: Path, mode: int
) -> None:
    file = tmp_path / "master"
    file.write_text(CANARY)
    file.chmod(mode)
    environment(MASTER_KEY_FILE=str(file))

    with pytest.raises(SettingsError, match="must be 0600") as error:
        read_settings().master_keys()
    assert CANARY not in str(error.value)


def test_master_keys__file_missing__named(environment: Callable[..., None], tmp_path: Path) -> None:
    environment(MASTER_KEY_FILE=str(tmp_path / "none"))

    with pytest.raises(SettingsError, match="No such file"):
        read_settings().master_keys()


def test_master_keys__malformed__refused_without_quoting_it(environment: Callable[..., None]) -> None:
    environment(MASTER_KEY=CANARY + "zz")

    with pytest.raises(SettingsError, match="64 hexadecimal digits") as error:
        read_settings().master_keys()
    assert "c0ffee" not in str(error.value)


def test_settings__secrets_set__neither_shown_nor_quoted_in_a_fault(environment: Callable[..., None]) -> None:
    environment(
        MASTER_KEY=CANARY,
        DATABASE_URL="postgresql://liqpass:canary-password@db/liqpass",
        RPC_URL="https://rpc.example/canary-token",
    )
    shown = repr(read_settings()) + str(read_settings())
    environment(MASTER_KEY_FILE="/nowhere")

    with pytest.raises(SettingsError, match="not both") as error:
        read_settings()

    assert "canary" not in shown + str(error.value)
    assert "c0ffee" not in shown + str(error.value)


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "nonsense", "10.0.0.1,all"])
def test_read_settings__proxies_that_would_let_anybody_choose_an_address__refused(
    environment: Callable[..., None], proxies: str
) -> None:
    environment(TRUSTED_PROXIES=proxies)

    with pytest.raises(SettingsError, match="trusted_proxies"):
        read_settings()


def test_read_settings__proxies_by_address_and_network__taken(environment: Callable[..., None]) -> None:
    environment(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,::1")

    assert read_settings().trusted_proxies == "127.0.0.1, 10.0.0.0/8,::1"


@pytest.mark.parametrize(
    ("url", "chain"),
    [
        ("https://x402.example/insured", "8453"),
        ("http://127.0.0.1:8402", "8453"),
        ("http://[::1]:8402", "84532"),
        ("http://facilitator:8402", "31337"),
    ],
)
def test_read_settings__facilitator_where_its_key_is_not_seen__taken(
    environment: Callable[..., None], url: str, chain: str
) -> None:
    environment(FACILITATOR_URL=url, CHAIN_ID=chain)

    assert read_settings().facilitator_url.get_secret_value() == url


def test_secrets_of_a_provider__in_private_files__read(
    environment: Callable[..., None], tmp_path: Path
) -> None:
    for name, text in (("key", CANARY), ("passphrase", " with spaces ")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text + "\n")
    environment(
        FACILITATOR_KEY_FILE=str(tmp_path / "key"), PROVIDER_PASSPHRASE_FILE=str(tmp_path / "passphrase")
    )

    settings = read_settings()

    assert (settings.facilitator_secret(), settings.provider_secret()) == (CANARY, " with spaces ")


def test_facilitator_secret__short__refused_without_quoting_it(environment: Callable[..., None]) -> None:
    environment(FACILITATOR_KEY="canary" * 5)

    with pytest.raises(SettingsError, match="at least 32") as error:
        read_settings().facilitator_secret()
    assert "canary" not in str(error.value)
