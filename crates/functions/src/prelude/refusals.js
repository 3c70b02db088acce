// The module "backstay" of code that has no exact numbers.

/** Refuses the call, or the change: the caller sees the message, the code, and the field that it is about. */
export class Refused extends Error {
  constructor(message, { code, field } = {}) {
    if (typeof message !== "string" || message === "") throw new TypeError("Refused takes a message for the caller");
    if (code !== undefined && !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(code)) {
      throw new TypeError(`the code of a refusal is written like "sold-out", not ${JSON.stringify(code)}`);
    }
    if (field !== undefined && (typeof field !== "string" || field === "")) {
      throw new TypeError("the field of a refusal is its name, such as \"quantity\"");
    }
    super(message);
    this.name = "Refused";
    this.code = code;
    this.field = field;
  }
}

/** Why the server refused a request of `db`. */
export class Problem extends Error {
  constructor({ code, message, errors, reason }) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.errors = errors;
    this.reason = reason;
  }
}
