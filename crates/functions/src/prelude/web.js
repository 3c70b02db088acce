// What browsers and servers have in common (WinterTC, "Minimum Common Web API"), as far as functions need it. Bytes cross the
// boundary as texts of the letters U+0000 to U+00FF.

import { host, provide } from "backstay:run";

const { random, digest, hmac, isHmac, encode, decode, base64, unbase64, urlParts, readForm, writeForm } = host;

const { parse, stringify } = JSON;
const { fromCharCode } = String;
const { freeze, defineProperty, hasOwn } = Object;

/** Bytes of a text of letters U+0000 to U+00FF. */
function bytesOf(text) {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The text that stands for bytes. */
function textOf(source) {
  const bytes = viewOf(source);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

function viewOf(source) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  throw new TypeError("expected bytes: a Uint8Array or an ArrayBuffer; of a text, write new TextEncoder().encode(text)");
}

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

function define(name, value) {
  provide({ [name]: value });
}

const HASHES = ["SHA-256", "SHA-384", "SHA-512"];

function nameOf(algorithm) {
  return String(typeof algorithm === "object" && algorithm !== null ? algorithm.name : algorithm).toUpperCase();
}

function hashOf(algorithm) {
  const name = nameOf(algorithm);
  if (!HASHES.includes(name)) throw named("NotSupportedError", `"${name}" isn't supported; the digests are ${HASHES.join(", ")}`);
  return name;
}

function requireHmac(algorithm) {
  const name = nameOf(algorithm);
  if (name !== "HMAC") throw named("NotSupportedError", `"${name}" isn't supported; keys are for "HMAC"`);
}

class CryptoKey {
  #bytes;

  constructor(made, { hash, bytes, extractable, usages }) {
    if (made !== CryptoKey) throw new TypeError("a key is made by crypto.subtle.importKey");
    this.#bytes = bytes;
    this.type = "secret";
    this.extractable = extractable;
    this.algorithm = freeze({ name: "HMAC", hash: freeze({ name: hash }), length: bytes.length * 8 });
    this.usages = freeze([...usages]);
    freeze(this);
  }

  static used(key, usage) {
    if (!(key instanceof CryptoKey)) throw new TypeError("expected a key, which crypto.subtle.importKey makes");
    if (!key.usages.includes(usage)) throw named("InvalidAccessError", `the key wasn't imported to "${usage}"`);
    return [key.algorithm.hash.name, key.#bytes];
  }
}

const subtle = freeze({
  async digest(algorithm, data) {
    return bytesOf(digest(hashOf(algorithm), textOf(data))).buffer;
  },
  async importKey(format, data, algorithm, extractable, usages) {
    if (format !== "raw") throw named("NotSupportedError", `the format "${format}" isn't supported; use "raw"`);
    requireHmac(algorithm);
    const wrong = usages.find((usage) => usage !== "sign" && usage !== "verify");
    if (wrong !== undefined) throw new SyntaxError(`a key for "HMAC" is used to "sign" and "verify", not to "${wrong}"`);
    const bytes = textOf(data);
    if (bytes === "") throw named("DataError", "the key is empty");
    return new CryptoKey(CryptoKey, { hash: hashOf(algorithm.hash), bytes, extractable: Boolean(extractable), usages });
  },
  async sign(algorithm, key, data) {
    requireHmac(algorithm);
    return bytesOf(hmac(...CryptoKey.used(key, "sign"), textOf(data))).buffer;
  },
  async verify(algorithm, key, signature, data) {
    requireHmac(algorithm);
    return isHmac(...CryptoKey.used(key, "verify"), textOf(data), textOf(signature));
  },
});

function randomBytes(length) {
  const text = random(length);
  if (text === undefined) throw new TypeError("crypto has no random bytes while a module loads: call it inside a function");
  return bytesOf(text);
}

define("CryptoKey", CryptoKey);
define(
  "crypto",
  freeze({
    subtle,
    randomUUID() {
      const bytes = randomBytes(16);
      bytes[6] = (bytes[6] & 15) | 64;
      bytes[8] = (bytes[8] & 63) | 128;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    getRandomValues(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      if (bytes.length > 65536) throw new RangeError("getRandomValues fills at most 65536 bytes");
      bytes.set(randomBytes(bytes.length));
      return array;
    },
  }),
);

define(
  "TextEncoder",
  class TextEncoder {
    get encoding() {
      return "utf-8";
    }

    encode(text = "") {
      return bytesOf(encode(String(text).toWellFormed()));
    }
  },
);

define(
  "TextDecoder",
  class TextDecoder {
    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`"${label}" isn't supported; texts are "utf-8"`);
      freeze(Object.assign(this, { encoding: "utf-8", fatal: Boolean(fatal), ignoreBOM: Boolean(ignoreBOM) }));
    }

    decode(source = new Uint8Array()) {
      const text = decode(textOf(source), this.fatal);
      if (text === undefined) throw new TypeError("the bytes aren't UTF-8");
      return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
    }
  },
);

define("btoa", function btoa(text) {
  const all = String(text);
  if (/[^\u0000-\u00ff]/.test(all)) {
    throw named("InvalidCharacterError", "btoa takes letters up to U+00FF; encode a text with TextEncoder before");
  }
  return base64(all);
});

define("atob", function atob(text) {
  const bytes = unbase64(String(text));
  if (bytes === undefined) throw named("InvalidCharacterError", "the text isn't Base64");
  return bytes;
});

define("queueMicrotask", function queueMicrotask(run) {
  if (typeof run !== "function") throw new TypeError("queueMicrotask takes a function");
  void Promise.resolve().then(run);
});

/** What each `URLSearchParams` of a `URL` tells of its changes. */
const followers = new WeakMap();

class URLSearchParams {
  #pairs;

  constructor(init = "") {
    if (typeof init !== "object" || init === null) {
      this.#pairs = parse(readForm(String(init).toWellFormed().replace(/^\?/, "")));
    } else {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init].map((pair) => [...pair]) : Object.entries(init);
      if (pairs.some((pair) => pair.length !== 2)) throw new TypeError("each pair is a name and a value");
      this.#pairs = pairs.map((pair) => pair.map(String));
    }
  }

  /** Takes other pairs, because its URL has changed. */
  static follow(params, search) {
    params.#pairs = parse(readForm(search.replace(/^\?/, "")));
  }

  #changed() {
    followers.get(this)?.(this.toString());
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([String(name), String(value)]);
    this.#changed();
  }

  delete(name, value) {
    const goes = ([known, held]) => known === String(name) && (value === undefined || held === String(value));
    this.#pairs = this.#pairs.filter((pair) => !goes(pair));
    this.#changed();
  }

  get(name) {
    return this.#pairs.find(([known]) => known === String(name))?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter(([known]) => known === String(name)).map(([, value]) => value);
  }

  has(name, value) {
    return this.#pairs.some(([known, held]) => known === String(name) && (value === undefined || held === String(value)));
  }

  set(name, value) {
    const at = this.#pairs.findIndex(([known]) => known === String(name));
    if (at < 0) return this.append(name, value);
    this.#pairs[at] = [String(name), String(value)];
    this.#pairs = this.#pairs.filter(([known], place) => place <= at || known !== String(name));
    this.#changed();
  }

  sort() {
    this.#pairs.sort(([one], [two]) => (one < two ? -1 : one > two ? 1 : 0));
    this.#changed();
  }

  forEach(run, self) {
    for (const [name, value] of this) run.call(self, value, name, this);
  }

  *entries() {
    for (let at = 0; at < this.#pairs.length; at += 1) yield [...this.#pairs[at]];
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag]() {
    return "URLSearchParams";
  }

  toString() {
    return writeForm(stringify(this.#pairs.map((pair) => pair.map((part) => part.toWellFormed()))));
  }
}
define("URLSearchParams", URLSearchParams);

const READ_ONLY = ["origin"];
const PARTS = ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

/** The parts of a URL, one of them changed if that is given; null if it isn't one. */
function read(href, base, part = null, value = null) {
  return parse(urlParts(href.toWellFormed(), stringify({ base, part, value })));
}

class URL {
  #parts;
  #params;

  constructor(href, base) {
    this.#parts = read(String(href), base === undefined ? null : String(base));
    if (this.#parts === null) throw new TypeError(`"${href}" isn't a URL${base === undefined ? "; a relative one needs a base" : ""}`);
    this.#params = new URLSearchParams(this.#parts.search);
    followers.set(this.#params, (search) => this.#set("search", search));
  }

  static canParse(href, base) {
    return read(String(href), base === undefined ? null : String(base)) !== null;
  }

  static parse(href, base) {
    return URL.canParse(href, base) ? new URL(href, base) : null;
  }

  #set(part, value) {
    const changed = read(this.#parts.href, null, part, value.toWellFormed());
    if (changed !== null) this.#parts = changed;
    else if (part === "href") throw new TypeError(`"${value}" isn't a URL`);
  }

  get searchParams() {
    return this.#params;
  }

  toString() {
    return this.#parts.href;
  }

  toJSON() {
    return this.#parts.href;
  }

  static {
    for (const part of [...READ_ONLY, ...PARTS]) {
      const get = function () {
        return this.#parts[part];
      };
      const set = function (value) {
        this.#set(part, String(value));
        if (part === "href" || part === "search") URLSearchParams.follow(this.#params, this.#parts.search);
      };
      defineProperty(URL.prototype, part, {
        get,
        set: READ_ONLY.includes(part) ? undefined : set,
        enumerable: true,
        configurable: true,
      });
    }
  }
}
define("URL", URL);

const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

/** A copy of a value and all that it holds; each object that occurs twice is one in the copy, too. */
function cloned(value, known) {
  if (typeof value === "function" || typeof value === "symbol") {
    throw named("DataCloneError", `a ${typeof value} can't be cloned`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (known.has(value)) return known.get(value);
  const keep = (made) => {
    known.set(value, made);
    return made;
  };
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof Boolean || value instanceof Number || value instanceof String) return keep(Object(value.valueOf()));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (value instanceof DataView) return keep(new DataView(cloned(value.buffer, known), value.byteOffset, value.byteLength));
  if (ArrayBuffer.isView(value)) {
    return keep(new value.constructor(cloned(value.buffer, known), value.byteOffset, value.length));
  }
  if (value instanceof Map) {
    const made = keep(new Map());
    for (const [key, held] of [...value]) made.set(cloned(key, known), cloned(held, known));
    return made;
  }
  if (value instanceof Set) {
    const made = keep(new Set());
    for (const held of [...value]) made.add(cloned(held, known));
    return made;
  }
  if (value instanceof Error) {
    const made = keep(new (hasOwn(ERRORS, value.name) ? ERRORS[value.name] : Error)(value.message));
    defineProperty(made, "stack", { value: value.stack, writable: true, configurable: true });
    if (hasOwn(value, "cause")) defineProperty(made, "cause", { value: cloned(value.cause, known), writable: true, configurable: true });
    return made;
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    throw named("DataCloneError", "this object can't be cloned");
  }
  const made = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const [key, held] of Object.entries(value)) {
    defineProperty(made, key, { value: cloned(held, known), writable: true, enumerable: true, configurable: true });
  }
  return made;
}

define("structuredClone", function structuredClone(value) {
  return cloned(value, new Map());
});
