// `Temporal`, as much of it as functions need; the host computes. Each object holds the text that stands for it.

import { host, provide } from "backstay:run";

const { temporal } = host;

const { parse, stringify } = JSON;
const { freeze, defineProperty } = Object;

/** What the host makes of these texts. */
function compute(what, ...texts) {
  const { value, error } = parse(temporal(what, stringify(texts)));
  if (error !== undefined) throw new RangeError(error);
  return value;
}

const UNITS = ["years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"];
const LARGEST = ["year", "month", "week", "day", "hour", "minute", "second", "auto"];

/** The text of a length of time: of a `Duration`, of `{ days: 1 }` or of `P1D`. */
function lengthOf(value) {
  if (value instanceof Duration) return value.toString();
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) throw new TypeError('a duration is written like { days: 1 } or "P1D"');
  const unknown = Object.keys(value).find((unit) => !UNITS.includes(unit));
  if (unknown !== undefined) throw new TypeError(`a duration has no \`${unknown}\`; it has ${UNITS.join(", ")}`);
  return compute("duration.of", ...UNITS.map((unit) => String(value[unit] ?? 0)));
}

function largestOf(options) {
  const unit = String(options?.largestUnit ?? "auto").replace(/s$/, "");
  if (!LARGEST.includes(unit)) throw new RangeError(`"${unit}" can't be the largest unit; it is one of ${LARGEST.join(", ")}`);
  return unit;
}

/** What all kinds have; `kind` names them to the host. */
class Value {
  #text;

  constructor(text, fields) {
    this.#text = text;
    Object.assign(this, fields);
    freeze(this);
  }

  toString() {
    return this.#text;
  }

  toJSON() {
    return this.#text;
  }

  valueOf() {
    throw new TypeError("values of Temporal have no operators; write a.add(b), a.until(b) or compare(a, b)");
  }
}

function made(kind, what, ...texts) {
  const { text, ...fields } = compute(what, ...texts);
  return new kind(text, fields);
}

/** Gives a kind what can be asked of a moment or a day. */
function measured(kind, name) {
  const textOf = (value) => (value instanceof Value ? value.toString() : String(value));
  const methods = {
    add: function (length) {
      return made(kind, `${name}.add`, textOf(this), lengthOf(length));
    },
    subtract: function (length) {
      return made(kind, `${name}.subtract`, textOf(this), lengthOf(length));
    },
    until: function (other, options) {
      return made(Duration, `${name}.until`, textOf(this), textOf(other), largestOf(options));
    },
    since: function (other, options) {
      return made(Duration, `${name}.until`, textOf(other), textOf(this), largestOf(options));
    },
    equals: function (other) {
      return kind.compare(this, other) === 0;
    },
  };
  for (const [method, value] of Object.entries(methods)) define(kind.prototype, method, value);
  define(kind, "from", (text) => made(kind, `${name}.from`, textOf(text)));
  define(kind, "compare", (one, other) => compute(`${name}.compare`, textOf(one), textOf(other)));
}

function define(object, name, value) {
  defineProperty(object, name, { value, writable: true, configurable: true });
}

class Duration extends Value {
  static from(value) {
    return made(Duration, "duration.from", lengthOf(value));
  }

  negated() {
    return made(Duration, "duration.negated", this.toString());
  }

  abs() {
    return made(Duration, "duration.abs", this.toString());
  }
}

class Instant extends Value {
  static fromEpochMilliseconds(milliseconds) {
    return made(Instant, "instant.of", String(milliseconds));
  }

  toZonedDateTimeISO(zone) {
    return made(ZonedDateTime, "zoned.of", this.toString(), String(zone));
  }
}
measured(Instant, "instant");

class PlainDate extends Value {
  with(fields) {
    const { year, month, day } = this;
    const changed = { year, month, day, ...fields };
    return made(PlainDate, "date.of", ...["year", "month", "day"].map((field) => String(changed[field])));
  }

  /** The beginning of the day in a time zone. */
  toZonedDateTime(zone) {
    return made(ZonedDateTime, "date.zoned", this.toString(), String(zone));
  }
}
measured(PlainDate, "date");

class ZonedDateTime extends Value {
  startOfDay() {
    return made(ZonedDateTime, "zoned.day", this.toString());
  }

  withTimeZone(zone) {
    return this.toInstant().toZonedDateTimeISO(zone);
  }

  toInstant() {
    return made(Instant, "zoned.instant", this.toString());
  }

  toPlainDate() {
    return made(PlainDate, "zoned.date", this.toString());
  }
}
measured(ZonedDateTime, "zoned");

// The clock of functions, which stands still while a block runs.
const instant = () => Instant.fromEpochMilliseconds(Date.now());
const zonedDateTimeISO = (zone) => instant().toZonedDateTimeISO(zone);
const plainDateISO = (zone) => zonedDateTimeISO(zone).toPlainDate();
const Now = freeze({ instant, zonedDateTimeISO, plainDateISO });
provide({ Temporal: freeze({ Duration, Instant, Now, PlainDate, ZonedDateTime }) });
