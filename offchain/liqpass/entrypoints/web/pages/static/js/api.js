// Calls to the JSON API of this origin. Cookies go along by themselves; changes carry the session's CSRF token and an
// idempotency key, so that a form sent twice by a bad connection has one effect.

export class Problem extends Error {
  /** What the API refused, as RFC 9457 says it. `reasons` are stable codes. */
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.code = body.code || "";
    this.reasons = body.reasons || [];
    this.errors = body.errors || [];
    this.requestId = body.requestId || "";
  }

  has(reason) {
    return this.code === reason || this.reasons.includes(reason);
  }
}

export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export async function call(method, path, body, { key = freshKey() } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    headers["Idempotency-Key"] = key;
    headers["X-CSRF-Token"] = document.documentElement.dataset.csrf || "";
  }
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw new Problem(0, { detail: "The service cannot be reached. Check your connection and try again." });
  }
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const value = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Problem(answer.status, value);
  return value;
}

export const get = (path) => call("GET", path);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
