// What functions do with accounts.

import { ask, block, here, provide } from "backstay:run";

function asking(what) {
  return async (body = {}) => {
    if (block() !== undefined) throw new TypeError(`auth.${what} can't be used in a transaction; call it before or after`);
    return ask({ kind: "sign", request: { [what]: body } }, here(`auth.${what}`));
  };
}

const accounts = {};
for (const what of ["signUp", "signIn", "signOut", "changeEmail", "changePassword"]) accounts[what] = asking(what);
provide({ accounts });
