// A provider of payments for tests, as unreliable as a real one if `--unreliable` says so:
// it answers late or not at all, and sends each event twice, in any order, until the shop takes it.
//
//   node provider.mjs [--port 9090] [--unreliable SEED]

import { createServer } from "node:http";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const seed = option("--unreliable", 0);
const isUnreliable = seed > 0;

/** By id: `amount`, `state` (requested, captured, failed or refunded), and how often money was taken and given back. */
const payments = new Map();
/** Events that the shop hasn't taken yet. */
const events = [];
/** Where events go: `url` and `headers`. */
let shop;

let chance = seed;
/** A whole number below a bound; the same ones for the same seed (a linear congruential generator). */
function random(bound) {
  chance = (chance * 1103515245 + 12345) % 2147483648;
  return Math.floor((chance / 2147483648) * bound);
}
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Puts an event among the others: twice, and anywhere, if the provider is unreliable. */
function send(type, payment) {
  for (let copy = 0; copy < (isUnreliable ? 2 : 1); copy += 1) {
    events.splice(isUnreliable ? random(events.length + 1) : events.length, 0, { type, payment });
  }
}

async function deliver() {
  for (;;) {
    const event = shop === undefined ? undefined : events[0];
    if (event === undefined) {
      await wait(20);
      continue;
    }
    events.shift();
    sending += 1;
    const { url, headers } = shop;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) }).catch(() => ({ ok: false }));
    if (!answer.ok) {
      await wait(20);
      events.push(event);
    }
    sending -= 1;
  }
}
let sending = 0;

function pay(id, isGood) {
  const payment = payments.get(id);
  if (payment.state === "captured" || payment.state === "refunded") return;
  payment.state = isGood ? "captured" : "failed";
  if (isGood) payment.taken += 1;
  send(isGood ? "payment.captured" : "payment.failed", id);
}

/** What a customer does on the page: nothing, pay with a bad card, with a bad and then a good one, or, mostly, pay. */
async function visit(id) {
  await wait(random(100));
  const mood = random(10);
  if (mood === 0) return;
  if (mood <= 2) pay(id, false);
  if (mood >= 2) pay(id, true);
}

function request({ id, amount }) {
  if (!payments.has(id)) {
    payments.set(id, { id, amount, state: "requested", taken: 0, returned: 0 });
    send("payment.created", id);
    if (isUnreliable) visit(id);
  }
  return { page: `http://localhost:${server.address().port}/pay/${id}` };
}

function refund(id) {
  const payment = payments.get(id);
  if (payment.state === "captured") {
    payment.state = "refunded";
    payment.returned += 1;
    send("payment.refunded", id);
  }
  return { state: payment.state };
}

function handle(method, path, body) {
  const [, what, id, act] = path.split("/");
  if (method === "PUT" && what === "shop") return (shop = body);
  if (method === "GET" && what === "payments") return [...payments.values()];
  if (method === "GET" && what === "events") return { open: events.length + sending };
  if (method === "POST" && what === "payments" && id === undefined) return request(body);
  if (!payments.has(id)) return undefined;
  if (method === "POST" && act === "refund") return refund(id);
  if (method === "POST" && act === "pay") return pay(id, body.card !== "bad") ?? {};
  return undefined;
}

const server = createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  const answer = handle(request.method, request.url, text === "" ? {} : JSON.parse(text));
  const fault = isUnreliable && request.url.startsWith("/payments") && request.method === "POST" ? random(4) : 3;
  if (fault === 0) return request.socket.destroy();
  if (fault === 1) await wait(200);
  response.statusCode = answer === undefined ? 404 : fault === 2 ? 500 : 200;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answer ?? {}));
});
server.listen(option("--port", 9090), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
for (let each = 0; each < 3; each += 1) deliver();
