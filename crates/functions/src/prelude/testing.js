// The module "backstay/test": the team's tests of its functions.

import { Problem } from "backstay:refusals";
import { requestsBy } from "backstay:database";
import { ask, here, moved, part, strict } from "backstay:run";

const tests = new Map();

/** Declares a test. */
export function test(name, run) {
  if (typeof name !== "string" || name.trim() === "" || name.includes("\n")) {
    throw new TypeError('a test has a name: test("stock is taken", async ({ as, db }) => …)');
  }
  if (typeof run !== "function") throw new TypeError(`the test "${name}" has no function`);
  const [, file, line] = /(functions\/[^\s():]+):(\d+)/.exec(here("test").stack) ?? [, "functions", "1"];
  const key = `${file}:${line}\n${name}`;
  if ([...tests.keys()].some((known) => known.startsWith(`${file}:`) && known.endsWith(`\n${name}`))) {
    throw new TypeError(`there are two tests "${name}" in ${file}`);
  }
  tests.set(key, (_, given) => run(given));
}

export function collected() {
  return Object.fromEntries(tests);
}

/** Asks the host of the tests. */
function asks(body, called) {
  return ask({ kind: "testing", request: body }, called);
}

/** Requests and calls in the name of somebody: an account by its record, its id or its email address; nobody without one. */
function as(who, { roles = [] } = {}) {
  const named = typeof who === "object" && who !== null ? who.id : who;
  const by = { who: named ?? null, roles };
  return strict(
    {
      db: requestsBy("db", (request, called) => asks({ by, request }, called)),
      async call(action, args = {}) {
        return asks({ by, action, arguments: args }, here(`call(${JSON.stringify(action)})`));
      },
      /** Sends a request over HTTP to the application, such as one for a route. */
      fetch: async (path, init) => fetched(by, path, init),
    },
    "as(…)",
  );
}

const SENT = ["method", "headers", "body", "json"];

async function fetched(by, path, init = {}) {
  const unknown = Object.keys(init).find((key) => !SENT.includes(key));
  if (unknown !== undefined) throw new TypeError(`fetch has no option \`${unknown}\`; it has ${SENT.join(", ")}`);
  if (typeof path !== "string" || !path.startsWith("/")) throw new TypeError('fetch takes a path of the application: fetch("/articles/one")');
  const { method = "GET", headers = {}, body, json } = init;
  if (json !== undefined && body !== undefined) throw new TypeError("a request has `body` or `json`, not both");
  if (body !== undefined && typeof body !== "string") throw new TypeError("the body of a request is a string; write `json` for an object");
  const Headers = part("Headers", "http");
  const pairs = [...new Headers(headers)];
  if (json !== undefined && !pairs.some(([name]) => name === "content-type")) pairs.push(["content-type", "application/json"]);
  const sent = { method, path, headers: pairs, body: json === undefined ? (body ?? "") : JSON.stringify(json) };
  const answer = await asks({ by, fetch: sent }, here(`fetch(${JSON.stringify(path)})`));
  return part("answered", "http")(answer);
}

const clock = strict(
  {
    /** The time as functions and the model see it. */
    now: () => new Date(),
    /** Moves it forward, and does what is due until then. */
    async advance(duration) {
      const { now } = await asks({ advance: String(duration) }, here("clock.advance"));
      moved(now);
    },
  },
  "clock",
);

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const fetches = strict(
  {
    /** What `fetch` of functions gets for this method and URL: several answers one after the other, the last one again and again. */
    async answer(request, { status = 200, headers = {}, body, json, ...rest } = {}) {
      const [method, url, more] = String(request).split(" ");
      if (!METHODS.includes(method) || !/^https?:\/\/./.test(url) || more !== undefined) {
        throw new TypeError('an answer is for a method and a URL: fetches.answer("GET https://api.example/rates", { json: { eur: 1 } })');
      }
      const unknown = Object.keys(rest)[0];
      if (unknown !== undefined) throw new TypeError(`an answer has no \`${unknown}\`; it has status, headers, body, json`);
      if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError("the status of an answer is 200 to 599");
      const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
      if (json !== undefined && body !== undefined) throw new TypeError("an answer has `body` or `json`, not both");
      if (json !== undefined && !pairs.some(([name]) => name === "content-type")) pairs.push(["content-type", "application/json"]);
      const text = json === undefined ? String(body ?? "") : JSON.stringify(json);
      await asks({ method, url, answer: { status, headers: pairs, body: text } }, here("fetches.answer"));
    },
    /** What functions have sent, in that order. */
    sent: async () => asks({ fetches: "sent" }, here("fetches.sent")),
  },
  "fetches",
);

/** What a test gets. */
export function context() {
  const jobs = strict({ list: async () => asks({ jobs: "list" }, here("jobs.list")) }, "jobs");
  const mails = async () => asks({ mails: "sent" }, here("mails"));
  return { as, fetches, db: requestsBy("db", (request, called) => asks({ request }, called)), clock, jobs, mails };
}

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function fail(message) {
  const error = new Error(message);
  error.name = "AssertionError";
  throw error;
}

/** Whether two values are the same in all that they hold. `partly`: whether the second may hold less. */
function same(one, two, partly = false) {
  if (Object.is(one, two)) return true;
  if (typeof one !== "object" || typeof two !== "object" || one === null || two === null) return false;
  if (one instanceof Date || two instanceof Date) return one instanceof Date && two instanceof Date && +one === +two;
  if (typeof one.toJSON === "function" && typeof two.toJSON === "function") return same(one.toJSON(), two.toJSON(), partly);
  if (Array.isArray(one) !== Array.isArray(two)) return false;
  const [all, wanted] = [one, two].map((of) => Object.keys(of).filter((key) => of[key] !== undefined));
  if (Array.isArray(one) ? one.length !== two.length : !partly && all.length !== wanted.length) return false;
  return wanted.every((key) => same(one[key], two[key], partly));
}

/** Whether an error is what a test expects: a word of its message, its code or reason, a pattern, or its class. */
function isExpected(error, expected) {
  if (expected === undefined) return true;
  if (expected instanceof RegExp) return expected.test(error?.message);
  if (typeof expected === "function") return error instanceof expected;
  return error?.code === expected || error?.reason === expected || String(error?.message).includes(expected);
}

function isContained(all, one) {
  return typeof all === "string" ? all.includes(one) : [...all].some((held) => same(held, one));
}

const MATCHERS = {
  toBe: ["to be", (value, expected) => Object.is(value, expected)],
  toEqual: ["to equal", (value, expected) => same(value, expected)],
  toMatchObject: ["to match", (value, expected) => same(value, expected, true)],
  toBeNull: ["to be null", (value) => value === null],
  toBeUndefined: ["to be undefined", (value) => value === undefined],
  toBeDefined: ["to be defined", (value) => value !== undefined],
  toBeTruthy: ["to be truthy", (value) => Boolean(value)],
  toBeFalsy: ["to be falsy", (value) => !value],
  toBeGreaterThan: ["to be greater than", (value, expected) => value > expected],
  toBeGreaterThanOrEqual: ["to be at least", (value, expected) => value >= expected],
  toBeLessThan: ["to be less than", (value, expected) => value < expected],
  toBeLessThanOrEqual: ["to be at most", (value, expected) => value <= expected],
  toBeInstanceOf: ["to be an instance of", (value, expected) => value instanceof expected],
  toContain: ["to contain", isContained],
  toHaveLength: ["to have the length", (value, expected) => value.length === expected],
  toMatch: ["to match", (value, expected) => (expected instanceof RegExp ? expected.test(value) : value.includes(expected))],
};

function matchers(value, negated) {
  const made = {};
  for (const [name, [words, holds]] of Object.entries(MATCHERS)) {
    made[name] = (...expected) => {
      if (holds(value, ...expected) !== negated) return;
      const wanted = expected.length === 0 ? "" : ` ${shown(expected[0])}`;
      fail(`expected ${shown(value)} ${negated ? "not " : ""}${words}${wanted}`);
    };
  }
  made.toThrow = (expected) => {
    if (typeof value !== "function") fail("toThrow is asked of a function; of a promise, write `await expect(…).rejects.toThrow(…)`");
    thrown(() => value(), expected, negated);
  };
  return made;
}

function thrown(run, expected, negated) {
  let error;
  try {
    run();
  } catch (caught) {
    return judged(true, caught, expected, negated);
  }
  judged(false, error, expected, negated);
}

function judged(was, error, expected, negated) {
  if (negated) {
    if (was && isExpected(error, expected)) fail(`expected no error, but got ${shown(error)}`);
    return;
  }
  if (!was) fail("expected an error, but there was none");
  if (!isExpected(error, expected)) {
    const { code, reason } = error ?? {};
    const words = [code, reason].filter((word) => typeof word === "string").map((word) => ` (${word})`);
    fail(`expected the error ${expected instanceof RegExp ? expected : shown(expected?.name ?? expected)}, but got ${shown(error)}${words.join("")}`);
  }
}

/** Says what a value is expected to be. */
export function expect(value) {
  const settled = async (kind) => {
    try {
      const result = await value;
      return kind === "resolves" ? result : fail(`expected an error, but got ${shown(result)}`);
    } catch (error) {
      if (kind === "resolves") throw error;
      return error;
    }
  };
  const later = (kind) => {
    const made = {};
    for (const name of Object.keys(matchers())) {
      made[name] = async (...expected) => {
        if (name === "toThrow") return judged(true, await settled(kind), expected[0], false);
        matchers(await settled(kind), false)[name](...expected);
      };
    }
    return strict(made, `expect(…).${kind}`);
  };
  return strict(
    { ...matchers(value, false), not: strict(matchers(value, true), "expect(…).not"), resolves: later("resolves"), rejects: later("rejects") },
    "expect(…)",
  );
}

/** Fails the test unless this is true. */
export function assert(value, message) {
  if (!value) fail(message ?? `expected ${shown(value)} to be truthy`);
}

export { Problem };
