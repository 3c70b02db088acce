import type { Db } from "backstay";
import { person, route, sent } from "./lib/api";

const dated = { createdAt: true, updatedAt: true, author: person } as const;
const listed = {
  slug: true, title: true, description: true, tags: { name: true }, favorited: true, favoritesCount: true, ...dated,
} as const;
const whole = { ...listed, body: true } as const;
const comment = { id: true, body: true, ...dated } as const;
const FILTERS = [
  ["tag", "tags.exists(t, t.name == $tag)"],
  ["author", "author.username == $author"],
  ["favorited", "favorites.exists(f, f.user.username == $favorited)"],
] as const;

function told<A extends { tags: { name: string }[] }>({ tags, ...article }: A) {
  return { ...article, tagList: tags.map(({ name }) => name) };
}
const one = async (db: Db, slug: string) => ({ article: told(await db.articles.get({ slug }, { select: whole })) });
async function draft(request: Request) {
  const { tagList, ...article } = await sent(request, "article");
  return tagList === undefined ? article : { ...article, tags: tagList.map((name: string) => ({ name })) };
}
async function page(db: Db, url: string, ...filters: string[]) {
  const query = new URL(url).searchParams;
  const given = FILTERS.filter(([name]) => query.has(name));
  const filter = [...filters, ...given.map(([, filter]) => filter)].join(" && ") || undefined;
  const params = Object.fromEntries(given.map(([name]) => [name, query.get(name)]));
  const [skip, limit] = [Number(query.get("offset") ?? 0), Number(query.get("limit") ?? 20)];
  const asked = { filter, params, skip, limit, sort: "-createdAt", count: "exact", select: listed } as const;
  const { items, count } = await db.articles.list(asked);
  return { articles: items.map(told), articlesCount: count!.value };
}

export const articles = route(({ url }, { db }) => page(db, url));
export const feed = route(({ url }, { db }) => page(db, url, "author.following"));
export const article = route(({ params: { slug } }, { db }) => one(db, slug));
export const createArticle = route(async (request, { db }) => {
  const article = told(await db.articles.create(await draft(request), { select: whole }));
  return Response.json({ article }, { status: 201 });
});
export const updateArticle = route(async (request, { db }) =>
  ({ article: told(await db.articles.update({ slug: request.params.slug }, await draft(request), { select: whole })) }));
export const deleteArticle = route(({ params: { slug } }, { db }) => db.articles.delete({ slug }));

export const favorite = route(async ({ params: { slug } }, { db }) => {
  if (!(await db.articles.get({ slug })).favorited) await db.favorites.create({ article: { slug } });
  return one(db, slug);
});
export const unfavorite = route(async ({ params: { slug } }, { db, auth: { id } }) => {
  await db.favorites.deleteAll({ filter: "article.slug == $slug && user == $id", params: { slug, id } });
  return one(db, slug);
});

export const comments = route(({ params: { slug } }, { db }) =>
  db.articles.get({ slug }, { select: { comments: { $limit: 100, ...comment } } }));
export const createComment = route(async (request, { db }) => {
  const { body } = await sent(request, "comment");
  return { comment: await db.comments.create({ body, article: { slug: request.params.slug } }, { select: comment }) };
});
export const deleteComment = route(({ params: { id } }, { db }) => db.comments.delete(id));
export const tags = route(async (_, { db }) => {
  const { items } = await db.tags.list({ sort: ["-articlesCount", "name"], limit: 20 });
  return { tags: items.map(({ name }) => name) };
});
