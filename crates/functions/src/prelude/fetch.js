// `fetch` of functions: calls of other servers.

import { Problem } from "backstay:refusals";
import { ask, block, here, provide } from "backstay:run";

const { parse } = JSON;

const OPTIONS = ["method", "headers", "body"];

/** Calls another server. The answer of a server is no error, whatever its status; a redirect isn't followed. */
async function fetch(resource, init) {
  if (block() !== undefined) {
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
provide({ fetch });
