// Requests and responses of routes: of the standard's (WinterTC minimum common API) what functions need.

import { Refused } from "backstay:refusals";
import { host, provide } from "backstay:run";

const { encode, decode, base64, unbase64, readForm } = host;
const { parse, stringify } = JSON;
const { freeze, entries } = Object;
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

/** Bytes of a text of letters U+0000 to U+00FF. */
function bytesOf(text) {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The text that stands for bytes. */
function textOf(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** The bytes of an `ArrayBuffer` or of a view of one; undefined of something else. */
function viewed(source) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : undefined;
}

/** A file of a form. */
class File {
  #octets;

  constructor(made, { octets, name, type }) {
    if (made !== File) throw new TypeError("a File is a part of a form: (await request.formData()).get(\"…\")");
    this.#octets = octets;
    this.name = name;
    this.type = type;
    this.size = octets.length;
    freeze(this);
  }

  static of(given) {
    return new File(File, given);
  }

  async bytes() {
    return bytesOf(this.#octets);
  }

  async arrayBuffer() {
    return bytesOf(this.#octets).buffer;
  }

  async text() {
    return decode(this.#octets, false);
  }
}

/** The values of a form, by their names. */
class FormData {
  #all = [];

  append(key, value) {
    this.#all.push([String(key), value instanceof File ? value : String(value)]);
  }

  get(key) {
    return this.#all.find(([known]) => known === String(key))?.[1] ?? null;
  }

  getAll(key) {
    return this.#all.filter(([known]) => known === String(key)).map(([, value]) => value);
  }

  has(key) {
    return this.#all.some(([known]) => known === String(key));
  }

  forEach(run, self) {
    for (const [key, value] of this) run.call(self, value, key, this);
  }

  entries() {
    return this.#all.map((pair) => [...pair]).values();
  }

  keys() {
    return this.#all.map(([key]) => key).values();
  }

  values() {
    return this.#all.map(([, value]) => value).values();
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

/** A parameter of a header, as browsers write it (RFC 7578, and WHATWG, "HTML"). */
function parameter(header, key) {
  const found = new RegExp(`;\\s*${key}=(?:"([^"]*)"|([^;\\s]+))`, "i").exec(header);
  return (found?.[1] ?? found?.[2])?.replace(/%(22|0D|0A)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
}

/** The parts of a body of `multipart/form-data`, whose letters stand for bytes. */
function multipart(octets, boundary) {
  const sections = boundary === undefined ? [] : `\r\n${octets}`.split(`\r\n--${boundary}`);
  if (!sections.at(-1)?.startsWith("--")) throw new TypeError("the body isn't multipart/form-data, or is cut off");
  const form = new FormData();
  for (const section of sections.slice(1, -1)) {
    const end = section.indexOf("\r\n\r\n");
    const lines = decode(section.slice(0, Math.max(end, 0)), false).split("\r\n");
    const headers = new Headers(lines.filter((line) => line.includes(":")).map((line) => line.split(/:(.*)/s, 2)));
    const disposition = headers.get("content-disposition") ?? "";
    const [key, file] = [parameter(disposition, "name"), parameter(disposition, "filename")];
    if (end < 0 || key === undefined) throw new TypeError("a part of the body has no name");
    const content = section.slice(end + 4);
    const type = headers.get("content-type") ?? "text/plain";
    form.append(key, file === undefined ? decode(content, false) : File.of({ octets: content, name: file, type }));
  }
  return form;
}

/** What is read once of a request or a response. */
class Body {
  #text;
  #octets;
  #used = false;

  /** A text, or a text whose letters stand for bytes. */
  constructor({ text, octets }) {
    this.#text = text;
    this.#octets = octets;
  }

  get bodyUsed() {
    return this.#used;
  }

  #take() {
    if (this.#used) throw new TypeError("the body was read already");
    this.#used = true;
  }

  async text() {
    this.#take();
    return this.#text ?? decode(this.#octets, false);
  }

  async json() {
    return parse(await this.text());
  }

  async bytes() {
    this.#take();
    return bytesOf(this.#octets ?? encode(this.#text.toWellFormed()));
  }

  async arrayBuffer() {
    return (await this.bytes()).buffer;
  }

  async formData() {
    const type = this.headers.get("content-type") ?? "";
    if (/^multipart\/form-data\b/i.test(type)) return multipart(textOf(await this.bytes()), parameter(type, "boundary"));
    if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
      throw new TypeError("the body is no form: its type is neither application/x-www-form-urlencoded nor multipart/form-data");
    }
    const form = new FormData();
    for (const [key, value] of parse(readForm(await this.text()))) form.append(key, value);
    return form;
  }
}

/** A request for a route. */
class Request extends Body {
  constructor({ method, url, headers, params, body, octets, token }) {
    super({ text: body, octets: octets === undefined ? undefined : unbase64(octets) });
    this.method = method;
    this.url = url;
    this.headers = new Headers(headers);
    this.params = freeze(params);
    this.token = token ?? null;
    freeze(this);
  }

  /** A body that can't be read is its sender's mistake. */
  async json() {
    const text = await this.text();
    try {
      return parse(text);
    } catch (error) {
      throw new Refused(`the body isn't JSON: ${error.message}`, { code: "not-json" });
    }
  }
}

const OPTIONS = ["status", "headers", "statusText"];
const WITHOUT_BODY = [204, 205, 304];

/** What a route answers. */
class Response extends Body {
  #text;
  #octets;

  constructor(body, init = {}) {
    const unknown = Object.keys(init).find((key) => !OPTIONS.includes(key));
    if (unknown !== undefined) throw new TypeError(`a Response has no option \`${unknown}\`; it has ${OPTIONS.join(", ")}`);
    const { status = 200, headers } = init;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError("the status of a Response is 200 to 599");
    }
    const view = viewed(body);
    const form = Object.prototype.toString.call(body) === "[object URLSearchParams]";
    if (body !== undefined && body !== null && typeof body !== "string" && view === undefined && !form) {
      throw new TypeError("the body of a Response is a string, or bytes; write Response.json(…) for an object");
    }
    const text = view === undefined ? (body ?? undefined)?.toString() : undefined;
    const octets = view === undefined ? undefined : textOf(view);
    if (octets === undefined && text === undefined) super({ text: "" });
    else if (WITHOUT_BODY.includes(status)) throw new TypeError(`a Response with ${status} has no body`);
    else super({ text, octets });
    this.status = status;
    this.ok = status < 300;
    this.headers = new Headers(headers);
    const type = form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain; charset=utf-8";
    if (!this.headers.has("content-type")) {
      if (text !== undefined) this.headers.set("content-type", type);
      if (octets !== undefined) this.headers.set("content-type", "application/octet-stream");
    }
    this.#text = text ?? null;
    this.#octets = octets;
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
    const { status, headers } = this;
    const body = this.#octets === undefined ? { body: this.#text } : { octets: base64(this.#octets) };
    return { $response: { status, headers: [...headers], ...body } };
  }
}

/** What the host was answered. */
function answered({ status, headers, octets }) {
  const bytes = bytesOf(unbase64(octets));
  return new Response(bytes.length === 0 ? null : bytes, { status, headers });
}

provide({ answered, File, FormData, Headers, Request, Response });
