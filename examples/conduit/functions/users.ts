import { Refused, type Db, type SignedIn } from "backstay";
import { person, route, sent } from "./lib/api";

const seen = async (db: Db, username: string) => ({ profile: await db.users.get({ username }, { select: person }) });

function me({ account: { email, username, bio, image }, token }: { account: SignedIn["account"]; token: string | null }) {
  return { user: { email, username, bio, image, token } };
}

export const register = route(async (request, { auth }) =>
  Response.json(me(await auth.signUp(await sent(request, "user"))), { status: 201 }));
export const login = route(async (request, { auth }) => me(await auth.signIn(await sent(request, "user"))));
export const currentUser = route(async ({ token }, { db, auth }) => me({ account: await db.users.get(auth.id!), token }));

/** A new email address or password needs the current password, as `currentPassword`. */
export const updateUser = route(async (request, { db, auth }) => {
  const { email, password, currentPassword: current, ...changes } = await sent(request, "user");
  const isNew = email !== undefined && email !== (await db.users.get(auth.id!)).email;
  if ((isNew || password) && current === undefined) {
    throw new Refused("to change the email address or password, send the current password as currentPassword");
  }
  if (isNew) await auth.changeEmail({ email, password: current });
  const token = password ? (await auth.changePassword({ current, password })).token : request.token;
  return me({ account: await db.users.update(auth.id!, changes), token });
});

export const profile = route(({ params: { username } }, { db }) => seen(db, username));
export const follow = route(async ({ params: { username } }, { db }) => {
  if (!(await db.users.get({ username })).following) await db.follows.create({ followed: { username } });
  return seen(db, username);
});
export const unfollow = route(async ({ params: { username } }, { db, auth: { id } }) => {
  await db.follows.deleteAll({ filter: "followed.username == $username && follower == $id", params: { username, id } });
  return seen(db, username);
});
