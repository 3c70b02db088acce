// Runs one function. The host calls `start`, then `deliver` for each answer, and `poll` after each of them, until the
// function has ended. Only texts cross the boundary.

import { Problem, Refused } from "backstay";
import { LaterRequests } from "backstay:requests";
import { received, returned as written } from "backstay:http";

const { log: writeLog, nearest, secret, secretNames, register } = globalThis.__host;
delete globalThis.__host;

const { parse, stringify } = JSON;
const { apply } = Reflect;
const { then } = Promise.prototype;
const { hasOwn, keys, freeze, defineProperty } = Object;
const RealDate = Date;
const RealPromise = Promise;

/** The functions by name, and the paths of collections; set by the entry module. */
let functions = {};
let collections = {};
/** What a function gets beside its arguments. */
let context = (auth) => ({ db, auth, jobs, log, mail, secrets });

/** What `poll` tells: the end of the call. */
let ended;
/** Requests that weren't handed over yet: those from `handed` on. */
const outgoing = [];
let handed = 0;
/** Those that have no answer yet, by number, and how many they are. */
const waiting = Object.create(null);
let unanswered = 0;
/** What each error of the host is, so that one that isn't caught is answered as it was, and which request it was. */
const refusals = new WeakMap();
const { get: refusalOf, has: isRefusal, set: keepRefusal } = WeakMap.prototype;
let asked = 0;
/** The most requests of one call, and the longest text of one. */
let [most, longest] = [0, 0];
/** The transaction block that is open. */
let open;

export function serve(all, paths, given) {
  functions = Object.fromEntries(Object.entries(all).filter(([, one]) => typeof one === "function"));
  collections = paths;
  if (given !== undefined) context = given;
}

function names() {
  return keys(functions);
}

/** Asks the host. `called` is where the request was made. */
export function ask(request, called) {
  asked += 1;
  const { request: body, result, ...head } = request;
  const text = result ?? (body === undefined ? "" : stringify(body));
  if (asked > most) return Promise.reject(new RangeError(`a call makes at most ${most} requests`));
  if (text.length > longest) return Promise.reject(new RangeError("a request is too large"));
  const id = asked;
  return new Promise((resolve, reject) => {
    waiting[id] = { resolve, reject, called };
    unanswered += 1;
    outgoing[outgoing.length] = `W${stringify({ ...head, id })}\n${text}`;
  });
}

/** What is called here, such as `db.posts.list`, and where: the lines of the stack that are the team's own. */
export function here(what) {
  const lines = String(new Error(what).stack).split("\n");
  return { what, stack: lines.filter((line) => line.includes("functions/")).join("\n") };
}

/** A record that the caller may not read is answered by its id alone. */
function shown(later, answer) {
  if (!later.hides || typeof answer !== "object" || answer === null || Array.isArray(answer)) return answer;
  const members = keys(answer).filter((member) => member !== "outcome");
  if (members.length !== 1 || members[0] !== "id") return answer;
  return "outcome" in answer ? { outcome: answer.outcome, record: null } : null;
}

const METHODS = [
  "list", "get", "aggregate", "create", "createMany", "upsert", "upsertMany", "update", "replace", "delete", "updateAll",
  "deleteAll", "restore", "purge", "history",
];
const READS = ["list", "pages", "all", "get", "find", "aggregate", "history"];
/** What other systems call what is here. */
const ELSEWHERE = {
  add: "create", insert: "create", insertMany: "createMany", save: "update", set: "update", patch: "update", put: "replace",
  findMany: "list", findAll: "list", findFirst: "list", first: "list", query: "list", select: "list", where: "list",
  findOne: "find", findUnique: "find", one: "find", remove: "delete", destroy: "delete", del: "delete", count: "aggregate",
  deleteMany: "deleteAll", updateMany: "updateAll",
};

/** What is probably meant by a name that isn't known. */
function meant(name, known, label = "") {
  const near = hasOwn(ELSEWHERE, name) && known.includes(ELSEWHERE[name]) ? ELSEWHERE[name] : nearest(name, known);
  if (near) return `; did you mean \`${label}${near}\`?`;
  return known.length <= 30 ? `; it has ${known.join(", ")}` : "";
}

/** The same object, which refuses names that it doesn't have. */
export function strict(object, label) {
  return new Proxy(freeze(object), {
    get(own, name) {
      if (typeof name === "symbol" || name in own || name === "then" || name === "toJSON") return own[name];
      throw new TypeError(`${label} has no \`${name}\`${meant(name, keys(own))}`);
    },
  });
}

/** What can be asked of a collection; `tell` makes a value of an answer. */
function collection({ path, single }, label, send, tell = shown) {
  const requests = new LaterRequests(path);
  const made = {};
  for (const method of METHODS) {
    made[method] = async (...given) => {
      const called = here(`${label}.${method}`);
      const later = requests[method](...given);
      return tell(later, await send(later.request, called));
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
    return strict({ get: (query) => get(undefined, query), update: (...given) => update(undefined, ...given) }, label);
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
  return strict(made, label);
}

/** A collection with `peek`: reads whose records may change until the block is committed. */
function peekable(place, label, send) {
  // A write is carried out at the commit: until then there is no more of its record than the id.
  const told = (_, answer) => answer;
  const made = { ...collection(place, label, (request, called) => send(request, called, false), told) };
  const peeked = collection(place, `${label}.peek`, (request, called) => send(request, called, true), told);
  const reads = READS.filter((read) => hasOwn(peeked, read)).map((read) => [read, peeked[read]]);
  made.peek = strict(Object.fromEntries(reads), `${label}.peek`);
  return strict(made, label);
}

/** All collections, made when they are named; a wrong name is an error. */
function database(label, make, more) {
  const made = new Map();
  return new Proxy(freeze({ ...more }), {
    get(own, name) {
      if (typeof name === "symbol" || hasOwn(own, name)) return own[name];
      if (!hasOwn(collections, name)) {
        if (name === "then" || name === "toJSON") return undefined;
        if (name === "transaction") throw new TypeError("a transaction is open already; they don't nest");
        const near = meant(name, keys(collections), `${label}.`);
        throw new TypeError(`there is no collection \`${label}.${name}\`${near}`);
      }
      if (!made.has(name)) made.set(name, make(collections[name], `${label}.${name}`));
      return made.get(name);
    },
    set() {
      throw new TypeError(`${label} can't be changed`);
    },
    has: (own, name) => name in own || hasOwn(collections, name),
  });
}

/** The collections of which `send` makes requests, each by itself. */
export function requestsBy(label, send) {
  return database(label, (place, of) => collection(place, of, send));
}

const db = database(
  "db",
  (place, label) =>
    collection(place, label, (request, called) => {
      if (open !== undefined) {
        throw new TypeError("a transaction is open; use its own `tx` instead of `db`, so that the request is a part of it");
      }
      return ask({ kind: "request", request }, called);
    }),
  { transaction },
);

/** Runs a block whose requests are one commit; again, if what it has read has changed. */
async function transaction(block) {
  if (typeof block !== "function") throw new TypeError("db.transaction takes a function: db.transaction(async (tx) => …)");
  if (open !== undefined) throw new TypeError("a transaction is open already; they don't nest");
  const mine = {};
  const called = here("db.transaction");
  open = mine;
  try {
    let attempt = await ask({ kind: "begin" }, called);
    for (;;) {
      // The call is repeated: the block was committed before.
      if ("done" in attempt) return attempt.done;
      begin(attempt.now, attempt.seed);
      const result = await attempted(block, mine, attempt.block);
      const commit = { kind: "commit", block: attempt.block, result: stringify(result) ?? "null" };
      const { again } = await ask(commit, called);
      if (again === undefined) return result;
      attempt = again;
    }
  } finally {
    open = undefined;
  }
}

async function attempted(block, mine, id) {
  let current = true;
  mine.block = id;
  const tx = database("tx", (place, label) =>
    peekable(place, label, (request, called, peek) => {
      if (!current || open !== mine) throw new TypeError("the transaction of this `tx` has ended");
      return ask({ kind: peek ? "peek" : "request", block: id, request }, called);
    }),
  );
  const before = unanswered;
  try {
    const result = await block(tx);
    if (unanswered > before) throw new Error("the transaction ended without waiting for a request of it; write `await` before it");
    return result;
  } catch (error) {
    await ask({ kind: "rollback", block: id });
    throw error;
  } finally {
    current = false;
  }
}

/** Values of the configuration that nobody else may see. */
const secrets = strict(
  {
    get(name) {
      const value = secret(String(name));
      if (value !== undefined) return value;
      const known = secretNames();
      const near = nearest(String(name), known);
      const what = near ? `did you mean "${near}"?` : `name it under [secrets] in backstay.toml, or set BACKSTAY_SECRET_${name}`;
      throw new TypeError(`there is no secret "${name}"; ${what}`);
    },
    has: (name) => secret(String(name)) !== undefined,
  },
  "secrets",
);
const TERMS = ["at", "attempts", "delay", "priority", "series", "unique"];

const jobs = strict({
  /** Queues a job: in the transaction that is open, or by itself. Answers its id, or null if it is unique. */
  async add(job, input = {}, terms = {}) {
    if (typeof job !== "string") throw new TypeError("jobs.add takes the name of a job: jobs.add(\"sendInvoice\", { order })");
    const unknown = Object.keys(terms).find((name) => !TERMS.includes(name));
    if (unknown !== undefined) throw new TypeError(`jobs.add has no option \`${unknown}\`; it has ${TERMS.join(", ")}`);
    return ask({ kind: "queue", block: open?.block, request: { ...terms, job, input } }, here("jobs.add"));
  },
}, "jobs");

const MAIL = ["language", "template", "to", "values"];

const mail = strict({
  /** Queues a mail: in the transaction that is open, or by itself. Answers the id of its job. */
  async send(message) {
    if (typeof message !== "object" || message === null) {
      throw new TypeError('mail.send takes a mail: mail.send({ to, template: "welcome", values: { … } })');
    }
    const unknown = Object.keys(message).find((name) => !MAIL.includes(name));
    if (unknown !== undefined) throw new TypeError(`a mail has no \`${unknown}\`; it has ${MAIL.join(", ")}`);
    return ask({ kind: "mail", block: open?.block, request: message }, here("mail.send"));
  },
}, "mail");

/** Time and chance are the host's, so that a block that runs again with the same ones does the same. */
let now = 0;
let state = [0, 0, 0, 0];

/** The time has been moved on. */
export function moved(moment) {
  now = moment;
}

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
    return response(await ask({ kind: "fetch", request }, here("fetch")));
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
const log = strict({ debug: logged("debug"), info: logged("info"), warn: logged("warn"), error: logged("error") }, "log");
const console = strict(
  { debug: log.debug, log: log.info, info: log.info, warn: log.warn, error: log.error, trace: log.debug },
  "console",
);
Object.defineProperty(globalThis, "console", { value: console, writable: true, configurable: true });

function start(name, args, given) {
  const { limits, moment, seed, auth } = parse(given);
  [most, longest] = limits;
  begin(moment, seed);
  const second = strict(context(frozen(auth)), "the context of a function");
  const failed = (error) => {
    ended = failure(error);
  };
  const returned = (value) => {
    const left = unanswered;
    if (left > 0 || open !== undefined) {
      const what = open !== undefined ? "a transaction" : `${left} request${left === 1 ? "" : "s"}`;
      return failed(new Error(`the function returned without waiting for ${what}; write \`await\` before it`));
    }
    try {
      ended = `D${written(value)}`;
    } catch (error) {
      failed(error);
    }
  };
  try {
    const value = functions[name](received(parse(args)), second);
    const promise = value instanceof RealPromise ? value : (async () => value)();
    apply(then, promise, [returned, failed]);
  } catch (error) {
    failed(error);
  }
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
    if (typeof error === "object" && error !== null && apply(isRefusal, refusals, [error])) {
      return `E${stringify({ problem: apply(refusalOf, refusals, [error]) })}`;
    }
    const isError = error instanceof Error;
    const [message, stack] = isError ? [`${error.name}: ${error.message}`, error.stack] : [`thrown: ${stringify(error)}`, ""];
    return `E${stringify({ thrown: { message: String(message), stack: String(stack ?? "") } })}`;
  } catch {
    return 'E{"thrown":{"message":"something was thrown that has no text","stack":""}}';
  }
}

function deliver(id, isAnswer, text) {
  const { resolve, reject, called } = waiting[id];
  delete waiting[id];
  unanswered -= 1;
  if (isAnswer) return resolve(parse(text));
  const problem = new Problem(parse(text));
  const { what = "", stack = "" } = called ?? {};
  defineProperty(problem, "stack", { value: stack, writable: true, configurable: true });
  apply(keepRefusal, refusals, [problem, { id, what, stack }]);
  reject(problem);
}

/** How the call has ended, or the next request: the host answers one after another, in the order in which they were made. */
function poll() {
  if (ended !== undefined) return ended;
  if (handed === outgoing.length) return "P";
  const next = outgoing[handed];
  outgoing[handed] = undefined;
  handed += 1;
  return next;
}

register(freeze({ names, start, deliver, poll }));
