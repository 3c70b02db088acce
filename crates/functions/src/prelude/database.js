// `db` of functions: the collections of the application, and transactions.

import { Problem } from "backstay:refusals";
import { LaterRequests } from "backstay:requests";
import { ask, begin, block, collections, here, left, meant, provide, setBlock, strict } from "backstay:run";

const { stringify } = JSON;
const { hasOwn, keys, freeze } = Object;

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
    return strict({ get: (query) => get(undefined, query), update: (...given) => update(undefined, ...given) }, label, ELSEWHERE);
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
  return strict(made, label, ELSEWHERE);
}

/** A collection with `peek`: reads whose records may change until the block is committed. */
function peekable(place, label, send) {
  // A write is carried out at the commit: until then there is no more of its record than the id.
  const told = (_, answer) => answer;
  const made = { ...collection(place, label, (request, called) => send(request, called, false), told) };
  const peeked = collection(place, `${label}.peek`, (request, called) => send(request, called, true), told);
  const reads = READS.filter((read) => hasOwn(peeked, read)).map((read) => [read, peeked[read]]);
  made.peek = strict(Object.fromEntries(reads), `${label}.peek`, ELSEWHERE);
  return strict(made, label, ELSEWHERE);
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
        const near = meant(name, keys(collections), `${label}.`, ELSEWHERE);
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
      if (block() !== undefined) {
        throw new TypeError("a transaction is open; use its own `tx` instead of `db`, so that the request is a part of it");
      }
      return ask({ kind: "request", request }, called);
    }),
  { transaction },
);

/** Runs a block whose requests are one commit; again, if what it has read has changed. */
async function transaction(run) {
  if (typeof run !== "function") throw new TypeError("db.transaction takes a function: db.transaction(async (tx) => …)");
  if (block() !== undefined) throw new TypeError("a transaction is open already; they don't nest");
  const mine = {};
  const called = here("db.transaction");
  setBlock(mine);
  try {
    let attempt = await ask({ kind: "begin" }, called);
    for (;;) {
      // The call is repeated: the block was committed before.
      if ("done" in attempt) return attempt.done;
      begin(attempt.now, attempt.seed);
      const result = await attempted(run, mine, attempt.block);
      const commit = { kind: "commit", block: attempt.block, result: stringify(result) ?? "null" };
      const { again } = await ask(commit, called);
      if (again === undefined) return result;
      attempt = again;
    }
  } finally {
    setBlock();
  }
}

async function attempted(run, mine, id) {
  let current = true;
  mine.block = id;
  const tx = database("tx", (place, label) =>
    peekable(place, label, (request, called, peek) => {
      if (!current || block() !== mine) throw new TypeError("the transaction of this `tx` has ended");
      return ask({ kind: peek ? "peek" : "request", block: id, request }, called);
    }),
  );
  const before = left();
  try {
    const result = await run(tx);
    if (left() > before) throw new Error("the transaction ended without waiting for a request of it; write `await` before it");
    return result;
  } catch (error) {
    await ask({ kind: "rollback", block: id });
    throw error;
  } finally {
    current = false;
  }
}

provide({ db });
