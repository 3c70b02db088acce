// Runs one function. The host calls `start`, then `deliver` for each answer, and `poll` after each of them, until the
// function has ended. Only texts cross the boundary.

import { Problem, Refused } from "backstay";
import { LaterRequests } from "backstay:requests";
import { received } from "backstay:http";

const { log: writeLog, random } = globalThis.__host;
delete globalThis.__host;

const { parse, stringify } = JSON;
const RealDate = Date;

/** The functions by name, and the paths of collections; set by the entry module. */
let functions = {};
let collections = {};

/** What `poll` tells: the end of the call. */
let ended;
/** Requests that weren't handed over yet. */
let outgoing = [];
/** Those that have no answer yet, by number. */
const waiting = new Map();
/** What each error of the host is, so that one that isn't caught is answered as it was. */
const refusals = new WeakMap();
let asked = 0;
/** The most requests of one call, and the longest text of one. */
let [most, longest] = [0, 0];
/** The transaction block that is open. */
let open;

export function serve(all, paths) {
  functions = Object.fromEntries(Object.entries(all).filter(([, one]) => typeof one === "function"));
  collections = paths;
}

function names() {
  return Object.keys(functions);
}

function ask(request) {
  asked += 1;
  const { request: body, result, ...head } = request;
  const text = result ?? (body === undefined ? "" : stringify(body));
  if (asked > most) return Promise.reject(new RangeError(`a call makes at most ${most} requests`));
  if (text.length > longest) return Promise.reject(new RangeError("a request is too large"));
  const id = asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    outgoing.push(`W${stringify({ ...head, id })}\n${text}`);
  });
}

/** A record that the caller may not read is answered by its id alone. */
function shown(later, answer) {
  if (!later.hides || typeof answer !== "object" || answer === null || Array.isArray(answer)) return answer;
  const members = Object.keys(answer).filter((member) => member !== "outcome");
  if (members.length !== 1 || members[0] !== "id") return answer;
  return "outcome" in answer ? { outcome: answer.outcome, record: null } : null;
}

const METHODS = [
  "list", "get", "aggregate", "create", "createMany", "upsert", "upsertMany", "update", "replace", "delete", "updateAll",
  "deleteAll", "restore", "purge", "history",
];
const READS = ["list", "pages", "all", "get", "find", "aggregate", "history"];

/** What can be asked of a collection; `tell` makes a value of an answer. */
function collection({ path, single }, send, tell = shown) {
  const requests = new LaterRequests(path);
  const made = {};
  for (const method of METHODS) {
    made[method] = async (...given) => {
      const later = requests[method](...given);
      return tell(later, await send(later.request));
    };
  }
  made.find = async (...given) => {
    try {
      return await made.get(...given);
    } catch (error) {
      if (error instanceof Problem && error.code === "not-found") return null;
      throw error;
    }
  };
  if (single) {
    const { get, update } = made;
    return Object.freeze({ get: (query) => get(undefined, query), update: (...given) => update(undefined, ...given) });
  }
  made.pages = async function* (query = {}) {
    for (let after = query.after; after !== null; ) {
      const page = await made.list({ ...query, after });
      yield page;
      after = page.next;
    }
  };
  made.all = async function* (query) {
    for await (const page of made.pages(query)) yield* page.items;
  };
  return Object.freeze(made);
}

/** A collection with `peek`: reads whose records may change until the block is committed. */
function peekable(place, send) {
  // A write is carried out at the commit: until then there is no more of its record than the id.
  const told = (_, answer) => answer;
  const made = { ...collection(place, (request) => send(request, false), told) };
  const peeked = collection(place, (request) => send(request, true), told);
  made.peek = Object.freeze(Object.fromEntries(READS.filter((read) => read in peeked).map((read) => [read, peeked[read]])));
  return Object.freeze(made);
}

/** All collections, made when they are named; a wrong name is an error. */
function database(make, more) {
  const made = new Map();
  return new Proxy(Object.freeze({ ...more }), {
    get(own, name) {
      if (typeof name === "symbol" || Object.hasOwn(own, name)) return own[name];
      if (!Object.hasOwn(collections, name)) {
        if (name === "then" || name === "toJSON") return undefined;
        throw new TypeError(`there is no collection \`db.${name}\``);
      }
      if (!made.has(name)) made.set(name, make(collections[name]));
      return made.get(name);
    },
    set() {
      throw new TypeError("db can't be changed");
    },
    has: (own, name) => name in own || Object.hasOwn(collections, name),
  });
}

const db = database(
  (place) =>
    collection(place, (request) => {
      if (open !== undefined) {
        throw new TypeError("a transaction is open; use its own `tx` instead of `db`, so that the request is a part of it");
      }
      return ask({ kind: "request", request });
    }),
  { transaction },
);

/** Runs a block whose requests are one commit; again, if what it has read has changed. */
async function transaction(block) {
  if (typeof block !== "function") throw new TypeError("db.transaction takes a function: db.transaction(async (tx) => …)");
  if (open !== undefined) throw new TypeError("a transaction is open already; they don't nest");
  const mine = {};
  open = mine;
  try {
    let attempt = await ask({ kind: "begin" });
    for (;;) {
      // The call is repeated: the block was committed before.
      if ("done" in attempt) return attempt.done;
      begin(attempt.now, attempt.seed);
      const result = await attempted(block, mine, attempt.block);
      const { again } = await ask({ kind: "commit", block: attempt.block, result: stringify(result) ?? "null" });
      if (again === undefined) return result;
      attempt = again;
    }
  } finally {
    open = undefined;
  }
}

async function attempted(block, mine, id) {
  let current = true;
  const tx = database((place) =>
    peekable(place, (request, peek) => {
      if (!current || open !== mine) throw new TypeError("the transaction of this `tx` has ended");
      return ask({ kind: peek ? "peek" : "request", block: id, request });
    }),
  );
  const before = waiting.size;
  try {
    const result = await block(tx);
    if (waiting.size > before) throw new Error("the transaction ended without waiting for a request of it; write `await` before it");
    return result;
  } catch (error) {
    await ask({ kind: "rollback", block: id });
    throw error;
  } finally {
    current = false;
  }
}

/** Time and chance are the host's, so that a block that runs again with the same ones does the same. */
let now = 0;
let state = [0, 0, 0, 0];

function begin(moment, seed) {
  now = moment;
  state = seed;
}

/** xoshiro128**: of 53 bits. */
function chance() {
  const word = () => {
    const times = (value, factor) => Math.imul(value, factor);
    const turned = (value, bits) => (value << bits) | (value >>> (32 - bits));
    const result = times(turned(times(state[1], 5), 7), 9);
    const shifted = state[1] << 9;
    const [a, b, c, d] = state;
    const [e, f] = [c ^ a, d ^ b];
    state = [a ^ f, b ^ e, e ^ shifted, turned(f, 11)];
    return result >>> 0;
  };
  return ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
}

function ControlledDate(...given) {
  if (new.target === undefined) return new RealDate(now).toString();
  return Reflect.construct(RealDate, given.length === 0 ? [now] : given, new.target);
}
Object.defineProperty(ControlledDate, "name", { value: "Date" });
Object.defineProperty(ControlledDate, "length", { value: 7 });
ControlledDate.prototype = RealDate.prototype;
ControlledDate.now = () => now;
ControlledDate.parse = RealDate.parse;
ControlledDate.UTC = RealDate.UTC;
Object.defineProperty(RealDate.prototype, "constructor", { value: ControlledDate, writable: true, configurable: true });
Object.defineProperty(globalThis, "Date", { value: ControlledDate, writable: true, configurable: true });
Object.defineProperty(Math, "random", { value: chance, writable: true, configurable: true });

const crypto = Object.freeze({
  randomUUID() {
    const bytes = parse(random(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
  getRandomValues(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    if (bytes.length > 65536) throw new RangeError("getRandomValues fills at most 65536 bytes");
    bytes.set(parse(random(bytes.length)));
    return array;
  },
});
Object.defineProperty(globalThis, "crypto", { value: crypto, writable: true, configurable: true });

const OPTIONS = ["method", "headers", "body"];

/** Calls another server. The answer of a server is no error, whatever its status; a redirect isn't followed. */
async function fetch(resource, init) {
  if (open !== undefined) {
    throw new TypeError("fetch can't be used in a transaction, which may run several times; call it before or after");
  }
  const { method = "GET", headers = [], body = "" } = init ?? {};
  const unknown = Object.keys(init ?? {}).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`fetch has no option \`${unknown}\`; it has ${OPTIONS.join(", ")}`);
  if (typeof body !== "string") throw new TypeError("the body of a fetch is a string; write JSON.stringify(…) for an object");
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const request = { method: String(method), url: String(resource), headers: pairs.map((pair) => pair.map(String)), body };
  try {
    return response(await ask({ kind: "fetch", request }));
  } catch (error) {
    throw error instanceof Problem ? new TypeError(error.message) : error;
  }
}

/** What a server answered, with as much of the standard's `Response` as functions have. */
function response({ status, headers, body }) {
  const named = (name) => headers.filter(([known]) => known === String(name).toLowerCase()).map(([, value]) => value);
  return Object.freeze({
    status,
    ok: status >= 200 && status < 300,
    headers: Object.freeze({
      get: (name) => (named(name).length === 0 ? null : named(name).join(", ")),
      has: (name) => named(name).length > 0,
      entries: () => headers.values(),
    }),
    text: async () => body,
    json: async () => parse(body),
  });
}
Object.defineProperty(globalThis, "fetch", { value: fetch, writable: true, configurable: true });

function logged(level) {
  return (...parts) => {
    const text = (part) => (typeof part === "string" ? part : part instanceof Error ? `${part}\n${part.stack}` : stringify(part));
    writeLog(level, parts.map(text).join(" "));
  };
}
const log = Object.freeze({ debug: logged("debug"), info: logged("info"), warn: logged("warn"), error: logged("error") });
const console = Object.freeze({ debug: log.debug, log: log.info, info: log.info, warn: log.warn, error: log.error });
Object.defineProperty(globalThis, "console", { value: console, writable: true, configurable: true });

function start(name, args, given) {
  const { limits, moment, seed, auth } = parse(given);
  [most, longest] = limits;
  begin(moment, seed);
  const context = Object.freeze({ db, auth: frozen(auth), log });
  const run = async () => functions[name](received(parse(args)), context);
  run().then(
    (value) => {
      const left = waiting.size;
      if (left > 0 || open !== undefined) {
        const what = open !== undefined ? "a transaction" : `${left} request${left === 1 ? "" : "s"}`;
        ended = failure(new Error(`the function returned without waiting for ${what}; write \`await\` before it`));
        return;
      }
      try {
        ended = `D${stringify(value) ?? "null"}`;
      } catch (error) {
        ended = failure(error);
      }
    },
    (error) => {
      ended = failure(error);
    },
  );
}

function frozen(value) {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** What was thrown, as the host reads it. */
function failure(error) {
  try {
    if (error instanceof Refused) {
      const { message, code } = error;
      return `E${stringify({ refused: { message, code } })}`;
    }
    if (typeof error === "object" && error !== null && refusals.has(error)) {
      return `E${stringify({ problem: refusals.get(error) })}`;
    }
    const isError = error instanceof Error;
    const [message, stack] = isError ? [`${error.name}: ${error.message}`, error.stack] : [`thrown: ${stringify(error)}`, ""];
    return `E${stringify({ thrown: { message: String(message), stack: String(stack ?? "") } })}`;
  } catch {
    return 'E{"thrown":{"message":"something was thrown that has no text","stack":""}}';
  }
}

function deliver(id, isAnswer, text) {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (isAnswer) return resolve(parse(text));
  const problem = new Problem(parse(text));
  refusals.set(problem, id);
  reject(problem);
}

/** How the call has ended, or the next request: the host answers one after another, in the order in which they were made. */
function poll() {
  return ended ?? outgoing.shift() ?? "P";
}

Object.defineProperty(globalThis, "__backstay", { value: Object.freeze({ names, start, deliver, poll }) });
