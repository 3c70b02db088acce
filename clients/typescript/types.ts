// What must compile, and what must not: `tsc` fails where an expected error is missing.

import { connect, ref, type Answered, type LaterRequest } from "./newsroom.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<A, B>(_: Same<A, B>): void {}

const db = connect({ url: "http://localhost:8080" });

export async function clientsShowLinks(): Promise<void> {
  is<typeof db.link, string | undefined>(true);
  const { token } = await db.auth.makeLink();
  db.link = token;
  db.link = undefined;
  for (const other of [db.with(undefined), db.with("t"), db.with("t", { link: token }), db.with("t", { link: null })]) {
    is<typeof other, typeof db>(true);
  }
}

export async function answersFollowTheSelection(): Promise<void> {
  const { items: [post] } = await db.posts.list({ select: { title: true, words: true, author: { name: true }, editedBy: { name: true } } });
  is<typeof post, { title: string; words: number | null; author: { name: string }; editedBy: { name: string } | null }>(true);

  const { items: [ids] } = await db.posts.list({ select: { section: true, tags: true, state: true } });
  is<typeof ids, { section: string; state: "DRAFT" | "REVIEW" | "PUBLISHED" | "RETRACTED"; tags: { id: string }[]; $more?: string[] }>(true);

  const paid = await db.posts.get("1", { select: { slug: true, fee: true, wireId: "optional" } });
  is<typeof paid, { slug: string; fee?: { amount: string; currency: string } | null; wireId?: string | null }>(true);

  const found = await db.posts.find({ slug: "a" }, {
    select: {
      headline: { $of: { title: true } },
      latest: { $of: { comments: { $sort: "-createdAt", $limit: 1, body: true, author: { name: true } } } },
      n: { $of: { comments: { $filter: "author == $me", $count: true } } },
    },
    params: { me: "1" },
  });
  is<typeof found, {
    headline: string;
    latest: { body: string; author: { name: string } }[];
    n: number;
    $more?: string[];
  } | null>(true);

  const deep = await db.users.get("1", {
    select: { posts: { section: true, tags: true, fee: true, wireId: "optional", comments: { $optional: true, author: { name: true } } } },
  });
  is<typeof deep, {
    posts: {
      section: string;
      tags: { id: string }[];
      fee?: { amount: string; currency: string } | null;
      wireId?: string | null;
      comments?: { author: { name: string } }[];
      $more?: string[];
    }[];
    $more?: string[];
  }>(true);

  // A comment can be hidden from a caller, and a member of a section can't.
  const comment = await db.comments.get("1", { select: { post: { title: true } } });
  is<typeof comment, { post: { title: string } | null }>(true);
  const member = await db.members.get({ section: "1", user: "2" }, { select: { section: { "*": true } } });
  is<typeof member.section.name, string>(true);

  const whole = await db.sections.get({ slug: "news" });
  is<typeof whole.perWord, string | null | undefined>(true);
  is<typeof whole.parent, string | null>(true);
}

export async function writesAreChecked(): Promise<void> {
  await db.posts.create({ slug: "a", title: "A", body: "b", section: { slug: "news" }, tags: [{ name: "moon" }, "1"] });
  await db.posts.create({ slug: "a", title: "A", body: "b", section: "1", comments: [{ body: "First!" }] });
  await db.posts.update("1", { words: { $inc: 5 }, sources: { $append: ["https://a.example"] }, fee: null });
  await db.posts.update({ slug: "a" }, { comments: { $add: [{ body: "Hi" }], $remove: ["1"] } }, { ifMatch: 3 });
  const [post, page, gone] = await db.transact([
    db.later.posts.update("1", { state: "REVIEW" }),
    db.later.comments.list({ where: { post: "1" }, select: { body: true }, sort: "-createdAt", limit: 1 }),
    db.later.comments.delete("2"),
  ]);
  is<NonNullable<typeof post>["state"], "DRAFT" | "REVIEW" | "PUBLISHED" | "RETRACTED">(true);
  is<typeof page.items, { body: string }[]>(true);
  is<typeof gone, null>(true);
  const upserted = await db.tags.upsert({ name: "moon" }, { onConflict: "name" });
  is<typeof upserted.outcome, "created" | "updated" | "unchanged">(true);
  is<LaterRequest<number>["answers"], number | undefined>(true);
  is<Answered<"Tag", { name: true }>, { name: string }>(true);
}

export async function groupsFollowTheQuestion(): Promise<void> {
  const { items: [all] } = await db.posts.aggregate();
  is<typeof all, { count: number }>(true);
  const { items: [group] } = await db.posts.aggregate({
    group: ["state", "section.name", { month: "startOfMonth(publishedAt, 'Europe/Zurich')", by: "author.name" }],
    select: {
      n: true,
      long: { count: "words > 1000" },
      writers: { countDistinct: "author" },
      words: { sum: "words" },
      each: { avg: "words" },
      ease: { avg: "readability" },
      last: { max: "publishedAt" },
      cost: { sum: "words * 2" },
      eldest: { min: "author.born" },
    },
    having: "n > 1",
    sort: ["-n", "sectionName"],
    where: { pinned: true },
    limit: 3,
  });
  is<typeof group, {
    state: "DRAFT" | "REVIEW" | "PUBLISHED" | "RETRACTED";
    sectionName: string | null;
    month: unknown;
    by: string | null;
    n: number;
    long: number;
    writers: number;
    words: number | null;
    each: string | null;
    ease: number | null;
    last: string | null;
    cost: unknown;
    eldest: string | null;
  }>(true);
  const { items: [fees] } = await db.posts.aggregate({ group: ["fee.currency"], select: { total: { sum: "fee" } } });
  is<typeof fees, { feeCurrency: string | null; total: { amount: string; currency: string } | null }>(true);
  const [pages] = await db.transact([db.later.posts.aggregate({ group: ["author.name"] })]);
  is<typeof pages.items, { authorName: string | null; count: number }[]>(true);
  await db.posts.list({ search: "moon" });
  const marked = await db.posts.list({ search: "moon", highlight: ["title", "body"], select: { title: true } });
  is<typeof marked.items, { title: string; $highlight: { title: string[] | null; body: string[] | null } }[]>(true);
  await db.users.list({ select: { posts: { $search: "moon", title: true } } });
  for await (const record of db.posts.export({ select: { title: true } })) is<typeof record, { title: string }>(true);
  await db.transact([db.later.tags.create({ name: "x" }).as("x"), db.later.tags.delete(ref("x.id"))]);
  await db.auth.signUp({ email: "a@example.org", password: "x", name: "A" });
  const [attempt] = await db.independently([db.later.tags.create({ name: "x" }, { select: { name: true } })]);
  is<NonNullable<(typeof attempt)["body"]>, { name: string }>(true);
  is<NonNullable<(typeof attempt)["problem"]>["code"], string>(true);
}

export async function writesAnswerTheSelection(): Promise<void> {
  const made = await db.posts.create({ slug: "a", title: "A", body: "b", section: "1" }, { select: { title: true, author: { name: true } } });
  is<typeof made, { title: string; author: { name: string } } | null>(true);
  const kept = await db.tags.upsert({ name: "x" }, { onConflict: "name", select: { name: true } });
  is<typeof kept.record, { name: string } | null>(true);
  await db.posts.replace({ slug: "a" }, { title: "A", body: "b", section: "1" }, { ifNoneMatch: "*", select: { id: true } });
}

export async function mistakesDoNotCompile(): Promise<void> {
  // @ts-expect-error: a field that doesn't exist
  await db.posts.list({ select: { titel: true } });
  // @ts-expect-error: the same beside one that does
  await db.posts.list({ select: { title: true, titel: true } });
  // @ts-expect-error: the same in a related record
  await db.posts.list({ select: { author: { name: true, nickname: true } } });
  // @ts-expect-error: a field has no members
  await db.posts.list({ select: { title: { name: true } } });
  // @ts-expect-error: an alias of a field that doesn't exist
  await db.posts.list({ select: { latest: { $of: { coments: { body: true } } } } });
  // @ts-expect-error: a number needs a name of its own
  await db.posts.list({ select: { comments: { $count: true } } });
  // @ts-expect-error: the relation has no such field to sort by
  await db.posts.list({ select: { comments: { $sort: "-born", body: true } } });
  // @ts-expect-error: nor has the type
  await db.posts.list({ sort: "-titel" });
  // @ts-expect-error: a value of another type
  await db.posts.list({ where: { pinned: "yes" } });
  // @ts-expect-error: an unknown state
  await db.posts.list({ where: { state: "PRINTED" } });
  // @ts-expect-error: an unknown parameter
  await db.posts.list({ offset: 3 });
  // @ts-expect-error: a required field is missing
  await db.posts.create({ slug: "a", title: "A", section: "1" });
  // @ts-expect-error: a field that the model sets
  await db.posts.create({ slug: "a", title: "A", body: "b", section: "1", publishedAt: null });
  // @ts-expect-error: a field that never changes
  await db.posts.update("1", { slug: "b" });
  // @ts-expect-error: an operator that the field doesn't take
  await db.posts.update("1", { title: { $inc: 1 } });
  // @ts-expect-error: no unique key
  await db.posts.get({ title: "A" });
  // @ts-expect-error: half of a unique key
  await db.members.get({ section: "1" });
  // @ts-expect-error: nobody may change a dispatch
  await db.dispatches.update("1", { headline: "A" });
  // @ts-expect-error: only what was selected is there
  (await db.posts.get("1", { select: { title: true } })).slug;
  // @ts-expect-error: a type without searchable fields
  await db.tags.list({ search: "moon" });
  // @ts-expect-error: a field in which no search looks
  await db.posts.list({ search: "moon", highlight: ["slug"] });
  // @ts-expect-error: what isn't highlighted isn't there
  (await db.posts.list({ search: "moon" })).items[0]!.$highlight;
  // @ts-expect-error: a nested list of a type without searchable fields
  await db.posts.list({ select: { comments: { $search: "moon", body: true } } });
  // @ts-expect-error: a sign-up without a name, which accounts need
  await db.auth.signUp({ email: "a@example.org", password: "x" });
  // @ts-expect-error: groups by a field that doesn't exist
  await db.posts.aggregate({ group: ["titel"] });
  // @ts-expect-error: the same at the end of a path
  await db.posts.aggregate({ group: ["title", "author.nam"] });
  // @ts-expect-error: an expression needs a name
  await db.posts.aggregate({ group: ["words + 1"] });
  // @ts-expect-error: a path under another name, to nowhere
  await db.posts.aggregate({ group: [{ by: "author.nam" }] });
  // @ts-expect-error: a sum of a field that doesn't exist
  await db.posts.aggregate({ select: { words: { sum: "wordz" } } });
  // @ts-expect-error: an unknown function
  await db.posts.aggregate({ select: { words: { median: "words" } } });
  // @ts-expect-error: the groups have no such value to sort by
  await db.posts.aggregate({ group: ["state"], sort: "-words" });
  // @ts-expect-error: a write that answers a field that doesn't exist
  await db.posts.create({ slug: "a", title: "A", body: "b", section: "1" }, { select: { titel: true } });
  // @ts-expect-error: of what was written, only what was selected is there
  (await db.posts.update("1", {}, { select: { title: true } }))?.slug;
  // @ts-expect-error: a group has no fields of its records
  (await db.posts.aggregate({ group: ["state"] })).items[0]!.title;
  // @ts-expect-error: what may be absent can't be used as if it were there
  (await db.posts.get("1")).fee.amount;
}
