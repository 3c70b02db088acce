import type { SignedIn } from "backstay";
import { route, sent } from "./lib/api";

const known = { username: true, bio: true, image: true, following: true } as const;

function me({ account: { email, username, bio, image }, token }: Pick<SignedIn, "account"> & { token: string | null }) {
  return { user: { email, username, bio, image, token } };
}

export const register = route(async (request, { auth }) =>
  Response.json(me(await auth.signUp(await sent(request, "user"))), { status: 201 }));
export const login = route(async (request, { auth }) => me(await auth.signIn(await sent(request, "user"))));
export const currentUser = route(async ({ token }, { db, auth }) => me({ account: await db.users.get(auth.id!), token }));

/** A new address or password needs the present one, as `currentPassword`. */
export const updateUser = route(async (request, { db, auth }) => {
  const { email, password, currentPassword: current, ...changes } = await sent(request, "user");
  const account = await db.users.update(auth.id!, changes);
  if (email !== undefined && email !== account.email) await auth.changeEmail({ email, password: current });
  const token = password === undefined ? request.token : (await auth.changePassword({ current, password })).token;
  return me({ account: { ...account, email: email ?? account.email }, token });
});

export const profile = route(async ({ params: { username } }, { db }) =>
  ({ profile: await db.users.get({ username }, { select: known }) }));
export const follow = route(async (request, context) => {
  const { id, following } = await context.db.users.get({ username: request.params.username });
  if (!following) await context.db.follows.create({ followed: id });
  return profile(request, context);
});
export const unfollow = route(async (request, context) => {
  const params = { username: request.params.username, me: context.auth.id };
  await context.db.follows.deleteAll({ filter: "followed.username == $username && follower == $me", params });
  return profile(request, context);
});
