// Requests and responses of routes: of the standard's (WinterTC minimum common API) what functions need.

const { parse, stringify } = JSON;
const { freeze, entries, defineProperty, hasOwn } = Object;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function name(given) {
  const text = String(given);
  if (!NAME.test(text)) throw new TypeError(`${stringify(text)} is not the name of a header`);
  return text.toLowerCase();
}

function value(given) {
  const text = String(given).trim();
  if (/[\0\r\n]/.test(text)) throw new TypeError("the value of a header is one line");
  return text;
}

/** Headers by their names, which are the same in capital and small letters. */
class Headers {
  #all = [];

  constructor(init = []) {
    if (init instanceof Headers) this.#all = [...init.#all];
    else for (const [key, text] of Array.isArray(init) ? init : entries(init)) this.append(key, text);
  }

  append(key, text) {
    this.#all.push([name(key), value(text)]);
  }

  set(key, text) {
    const pair = [name(key), value(text)];
    this.delete(key);
    this.#all.push(pair);
  }

  delete(key) {
    const wanted = name(key);
    this.#all = this.#all.filter(([known]) => known !== wanted);
  }

  get(key) {
    const wanted = name(key);
    const found = this.#all.filter(([known]) => known === wanted).map(([, text]) => text);
    return found.length === 0 ? null : found.join(", ");
  }

  getSetCookie() {
    return this.#all.filter(([known]) => known === "set-cookie").map(([, text]) => text);
  }

  has(key) {
    const wanted = name(key);
    return this.#all.some(([known]) => known === wanted);
  }

  forEach(run, self) {
    for (const [key, text] of this) run.call(self, text, key, this);
  }

  entries() {
    return this.#all.map((pair) => [...pair]).values();
  }

  keys() {
    return this.#all.map(([key]) => key).values();
  }

  values() {
    return this.#all.map(([, text]) => text).values();
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

/** What is read once of a request or a response. */
class Body {
  #text;
  #used = false;

  constructor(text) {
    this.#text = text;
  }

  get bodyUsed() {
    return this.#used;
  }

  async text() {
    if (this.#used) throw new TypeError("the body was read already");
    this.#used = true;
    return this.#text;
  }

  async json() {
    return parse(await this.text());
  }
}

/** A request for a route. */
class Request extends Body {
  constructor({ method, url, headers, params, body }) {
    super(body);
    this.method = method;
    this.url = url;
    this.headers = new Headers(headers);
    this.params = freeze(params);
    freeze(this);
  }
}

const OPTIONS = ["status", "headers", "statusText"];
const WITHOUT_BODY = [204, 205, 304];

/** What a route answers. */
class Response extends Body {
  #sent;

  constructor(body, init = {}) {
    const unknown = Object.keys(init).find((key) => !OPTIONS.includes(key));
    if (unknown !== undefined) throw new TypeError(`a Response has no option \`${unknown}\`; it has ${OPTIONS.join(", ")}`);
    const { status = 200, headers } = init;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError("the status of a Response is 200 to 599");
    }
    if (body !== undefined && body !== null && typeof body !== "string") {
      throw new TypeError("the body of a Response is a string; write Response.json(…) for an object");
    }
    if (typeof body === "string" && WITHOUT_BODY.includes(status)) throw new TypeError(`a Response with ${status} has no body`);
    super(body ?? "");
    this.status = status;
    this.ok = status < 300;
    this.headers = new Headers(headers);
    if (typeof body === "string" && !this.headers.has("content-type")) {
      this.headers.set("content-type", "text/plain; charset=utf-8");
    }
    this.#sent = body ?? null;
  }

  static json(given, init = {}) {
    const text = stringify(given);
    if (text === undefined) throw new TypeError("this has no JSON");
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(text, { ...init, headers });
  }

  static redirect(url, status = 302) {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError("a redirect has the status 301, 302, 303, 307 or 308");
    return new Response(null, { status, headers: { location: String(url) } });
  }

  /** As the host reads it. */
  toJSON() {
    return { $response: { status: this.status, headers: [...this.headers], body: this.#sent } };
  }
}

for (const [key, one] of entries({ Headers, Request, Response })) {
  defineProperty(globalThis, key, { value: one, writable: true, configurable: true });
}

/** The arguments of an action, or the request for a route. */
export function received(args) {
  return hasOwn(args, "$request") ? new Request(args.$request) : args;
}

/** What a function has returned, as the host reads it. What clients have sent can't pass for a `Response`. */
export function returned(value) {
  const text = stringify(value) ?? "null";
  if (text.startsWith('{"$response":') && !(value instanceof Response)) {
    throw new TypeError("a value whose first member is `$response` can't be returned; write Response.json(…)");
  }
  return text;
}
