// Runs one function. The host calls `start`, then `deliver` for each answer, and `poll` after each of them, until the
// function has ended. Only texts cross the boundary. What a call may not need is in modules of their own: those that the team's code
// seems to name are loaded before it, and others when a function first names something of them.

import { Problem, Refused } from "backstay:refusals";

export const host = globalThis.__host;
delete globalThis.__host;

const { parse, stringify } = JSON;
const { apply } = Reflect;
const { then } = Promise.prototype;
const { hasOwn, keys, freeze, defineProperty, getOwnPropertyNames } = Object;
const RealDate = Date;
const RealPromise = Promise;

const provided = Object.create(null);

/** A module says what it provides. */
export function provide(parts) {
  for (const name of keys(parts)) provided[name] = parts[name];
}

export function part(name, module) {
  if (!(name in provided)) host.load(`backstay:${module}`);
  if (!(name in provided)) throw new Error(`there is no room for \`${name}\``);
  return provided[name];
}

/** Makes a value global, as if it had been there from the beginning. */
function define(name, value) {
  defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

/** Each of these global values is loaded when it is first named. */
function expose(globals) {
  for (const name of keys(globals)) {
    const get = () => {
      const value = part(name, globals[name]);
      define(name, value);
      return value;
    };
    defineProperty(globalThis, name, { get, set: (value) => define(name, value), configurable: true });
  }
}

/** What a function gets beside its arguments and `auth`, and the modules that provide it. */
let members = {};

/** The world is given these global values and these members, and loads those modules now. */
export function prepare({ globals, given, modules }) {
  expose(globals);
  members = given;
  for (const module of modules) host.load(`backstay:${module}`);
}

/** The functions by name, and the paths of collections; set by the entry module. */
let functions = {};
export let collections = {};
/** What a function gets beside its arguments. */
let context = (auth) => {
  const given = { auth };
  for (const name of keys(members)) defineProperty(given, name, { get: () => part(name, members[name]), enumerable: true });
  return given;
};

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
/** How many requests were made: of the call, or for the change before which a hook runs. */
let made = 0;
/** The most of them, and the longest text of one. */
let [most, longest] = [0, 0];
/** The transaction block that is open. */
let open;

/** The transaction block that is open, if there is one. */
export function block() {
  return open;
}

/** A block is open from now on; none without one. */
export function setBlock(one) {
  open = one;
}

/** How many requests have no answer yet. */
export function left() {
  return unanswered;
}

export function serve(all, paths, given) {
  functions = Object.fromEntries(Object.entries(all).filter(([, one]) => typeof one === "function"));
  collections = paths;
  if (given !== undefined) context = given;
}

function names() {
  return keys(functions);
}

/** The number of the change before which a hook runs now. */
let change;

/** Asks the host. `called` is where the request was made. */
export function ask(request, called) {
  made += 1;
  const { request: body, result, ...head } = request;
  if (change !== undefined) {
    if (head.kind !== "request") return Promise.reject(new TypeError(onlyReads(called?.what ?? head.kind)));
    head.block = change;
  }
  const text = result ?? (body === undefined ? "" : stringify(body));
  if (made > most) return Promise.reject(new RangeError(`a call makes at most ${most} requests`));
  if (text.length > longest) return Promise.reject(new RangeError("a request is too large"));
  return handOver(head, text, called);
}

function handOver(head, text, called) {
  asked += 1;
  const id = asked;
  return new Promise((resolve, reject) => {
    waiting[id] = { resolve, reject, called };
    unanswered += 1;
    outgoing[outgoing.length] = `W${stringify({ ...head, id })}\n${text}`;
  });
}

function onlyReads(what) {
  return `a hook before a change can only read; call \`${what}\` in a job instead: \`@on(phase: AFTER)\``;
}

/** What is called here, such as `db.posts.list`, and where: the lines of the stack that are the team's own. */
export function here(what) {
  const lines = String(new Error(what).stack).split("\n");
  return { what, stack: lines.filter((line) => line.includes("functions/")).join("\n") };
}

/** What is probably meant by a name that isn't known; `elsewhere`: what other systems call what is here. */
export function meant(name, known, label = "", elsewhere = {}) {
  const word = hasOwn(elsewhere, name) && known.includes(elsewhere[name]) ? elsewhere[name] : undefined;
  const near = word ?? host.nearest(name, known);
  if (near) return `; did you mean \`${label}${near}\`?`;
  return known.length <= 30 ? `; it has ${known.join(", ")}` : "";
}

/** The same object, which refuses names that it doesn't have. */
export function strict(object, label, elsewhere) {
  return new Proxy(freeze(object), {
    get(own, name) {
      if (typeof name === "symbol" || name in own || name === "then" || name === "toJSON") return own[name];
      throw new TypeError(`${label} has no \`${name}\`${meant(name, getOwnPropertyNames(own), "", elsewhere)}`);
    },
  });
}

/** Time and chance are the host's, so that a block that runs again with the same ones does the same. */
let now = 0;
let state = [0, 0, 0, 0];

/** The time has been moved on. */
export function moved(moment) {
  now = moment;
}

/** Time and chance of a call, or of a block, which has the same ones when it runs again. */
export function begin(moment, seed) {
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

function start(name, args, given) {
  const { limits, moment, seed, auth, hook } = parse(given);
  [most, longest] = limits;
  begin(moment, seed);
  const second = strict(context(authOf(auth)), "the context of a function");
  const failed = (error) => {
    ended = failure(error);
  };
  const returned = (value) => {
    if (unanswered > 0 || open !== undefined) {
      const what = open !== undefined ? "a transaction" : `${unanswered} request${unanswered === 1 ? "" : "s"}`;
      return failed(new Error(`the function returned without waiting for ${what}; write \`await\` before it`));
    }
    try {
      ended = `D${written(value)}`;
    } catch (error) {
      failed(error);
    }
  };
  try {
    const run = functions[name];
    const value = hook ? changes(run, parse(args), [second, moment, seed]) : run(received(parse(args)), second);
    const promise = value instanceof RealPromise ? value : (async () => value)();
    apply(then, promise, [returned, failed]);
  } catch (error) {
    failed(error);
  }
}

/** What a hook says of each change: one after the other, each with the same time and chance. */
async function changes(run, all, [context, moment, seed]) {
  const outcomes = [];
  for (let index = 0; index < all.length; index += 1) {
    // The next change has the processor's time of a call.
    if (host.hasUsedShare()) await handOver({ kind: "pause" }, "");
    change = index;
    made = 0;
    begin(moment, [...seed]);
    outcomes[index] = await outcome(run, frozen(all[index]), context);
  }
  return outcomes;
}

async function outcome(run, one, context) {
  try {
    const value = (await run(one, context)) ?? {};
    if (unanswered > 0) throw new Error("the hook returned without waiting for a request; write `await` before it");
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new TypeError("a hook returns an object with the fields that change, or nothing");
    }
    return { changes: value };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { message, code, field } = error;
    return { refused: { message, code, field } };
  }
}

/** The caller, and what can be done with accounts. */
function authOf(caller) {
  for (const name of ["signUp", "signIn", "signOut", "changeEmail", "changePassword"]) {
    defineProperty(caller, name, { value: (...given) => part("accounts", "accounts")[name](...given) });
  }
  return strict(frozen(caller), "auth", { user: "id", userId: "id", login: "signIn", logout: "signOut", register: "signUp" });
}

/** The arguments of an action, or the request for a route. */
function received(args) {
  if (!hasOwn(args, "$request")) return args;
  const Request = part("Request", "http");
  return new Request(args.$request);
}

/** What a function has returned, as the host reads it. What clients have sent can't pass for a `Response`. */
function written(value) {
  const text = stringify(value) ?? "null";
  if (text.startsWith('{"$response":') && !("Response" in provided && value instanceof provided.Response)) {
    throw new TypeError("a value whose first member is `$response` can't be returned; write Response.json(…)");
  }
  return text;
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

host.register(freeze({ names, start, deliver, poll }));
