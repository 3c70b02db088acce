// Compiled only: what functions of the newsroom can write. `// @ts-expect-error` marks what an editor has to refuse.
import { Decimal, Money, Problem, Refused, type BeforeHook, type FunctionContext } from "backstay";
import { assert, expect, test } from "backstay/test";

export async function publish({ post }: { post: string }, { db, auth, log }: FunctionContext) {
  const found = await db.posts.get(post, { select: { title: true, section: { name: true } } });
  const name: string | undefined = found.section?.name;
  // @ts-expect-error there is no such field
  found.body;
  // @ts-expect-error there is no such collection
  db.nothing;
  // @ts-expect-error there is no such field
  await db.posts.get(post, { select: { titel: true } });
  if (!auth.roles.includes("EDITOR")) throw new Refused("only editors publish", { code: "no-editor" });
  log.info("publishes", name);
  for await (const one of db.posts.all({ limit: 100 })) void one.title;
  const title: string | undefined = await db.transaction(async (tx) => {
    const stored = await tx.posts.peek.find(post);
    const made = await tx.comments.create({ post, body: "It is out." });
    const id: string = made.id;
    // @ts-expect-error nothing else is known before the commit
    made.body;
    void id;
    return stored?.title;
  });
  return title;
}

export function share(price: { amount: string; currency: string }) {
  const total = Money.from(price).times(3).plus(new Money("1.00", "EUR"));
  // @ts-expect-error a number isn't an amount
  total.plus(1);
  // @ts-expect-error a rounding is needed
  total.div(3);
  // @ts-expect-error it has no operators
  void (new Decimal("1") * 2);
  try {
    return total.allocate([1, 2]).map(String);
  } catch (error) {
    if (error instanceof Problem) return [error.code];
    throw error;
  }
}

export async function sign({ text }: { text: string }, { secrets }: FunctionContext) {
  const data = new TextEncoder().encode(text);
  const raw = new TextEncoder().encode(secrets.get("SIGNING_KEY"));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const url = new URL("/sign", "https://sign.example");
  url.searchParams.set("signature", btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, data)))));
  const tomorrow: string = Temporal.Now.plainDateISO("Europe/Berlin").add({ days: 1 }).toString();
  // @ts-expect-error there is no such unit
  void Temporal.Now.instant().add({ hour: 1 });
  void tomorrow;
  // @ts-expect-error no other digest is there
  await crypto.subtle.digest("MD5", data);
  return (await fetch(url)).ok;
}

export async function announce({ reader }: { reader: string }, { mail }: FunctionContext) {
  await mail.send({ to: reader, template: "welcome" });
  await mail.send({ to: reader, template: "published", language: null, values: { reader, title: "It is out", footer: 1 } });
  // @ts-expect-error there is no such template
  await mail.send({ to: reader, template: "welcom" });
  // @ts-expect-error it needs a title
  await mail.send({ to: reader, template: "published", values: { reader } });
  // @ts-expect-error it needs values
  await mail.send({ to: reader, template: "published" });
}

export async function recent(request: Request, { db }: FunctionContext) {
  const { section } = request.params;
  const { items } = await db.posts.list({ limit: 5 });
  // @ts-expect-error the body of a response is a text
  void new Response(items);
  return Response.json({ section, items }, { headers: { "x-count": String(items.length) } });
}

export const tidyPost: BeforeHook<"Post"> = async ({ event, stored, proposed, sent }, { db }) => {
  // @ts-expect-error a new record has no stored one
  if (event === "CREATE") void stored.title;
  if (event === "UPDATE") void stored.title;
  const section = await db.sections.get(proposed.section, { select: { name: true } });
  // @ts-expect-error a hook only reads
  await db.comments.create({ post: proposed.id, body: "It is out." });
  // @ts-expect-error there is no such field
  void proposed.titel;
  if (sent.title === "") throw new Refused("it needs a title", { code: "no-title", field: "title" });
  return { title: `${section.name}: ${proposed.title}` };
};
// @ts-expect-error there is no such type
export const noType: BeforeHook<"Pst"> = () => {};
// @ts-expect-error the value is of another type
export const noValue: BeforeHook<"Post"> = () => ({ title: 5 });
export const keepPost: BeforeHook<"Post", "DELETE"> = ({ stored }) => {
  if (stored.title !== "") throw new Refused("it has a title");
};

export async function work(_: {}, { jobs }: FunctionContext) {
  // @ts-expect-error there is no such job
  await jobs.add("nothing");
  await jobs.report(0.5, "half");
}

test("readers can't publish", async ({ as, db, clock }) => {
  const section = await db.sections.find({ slug: "news" });
  assert(section !== null);
  // @ts-expect-error there is no such collection
  db.nothing;
  // Nobody may create one through the API but by signing up; a test may.
  const ada = await db.users.create({ email: "ada@example.org", name: "Ada" });
  await db.users.delete(ada.id);
  // @ts-expect-error a section has no such field
  await db.sections.create({ slug: "x", anything: true });
  const answer = await as(section).fetch("/recent", { headers: { accept: "application/json" } });
  if (answer.ok) (await answer.json()).items;
  // @ts-expect-error a request has no such option
  await as(null).fetch("/recent", { verb: "GET" });
  await clock.advance("1h");
  await expect(as(null).call("publish", { post: section.id })).rejects.toThrow("sign-in-required");
  expect([1, 2]).not.toContain(3);
});
