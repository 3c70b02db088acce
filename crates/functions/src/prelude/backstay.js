// The module "backstay": what the team's own code imports.

export { Problem, Refused } from "backstay:refusals";

/** The most digits that a result has, so that no formula grows without end. */
const DIGITS = 1000;

const ROUNDINGS = {
  HALF_EVEN: (twice, whole, odd) => twice > whole || (twice === whole && odd),
  HALF_UP: (twice, whole) => twice >= whole,
  HALF_DOWN: (twice, whole) => twice > whole,
  UP: (twice) => twice > 0n,
  DOWN: () => false,
  CEILING: (twice, _whole, _odd, negative) => twice > 0n && !negative,
  FLOOR: (twice, _whole, _odd, negative) => twice > 0n && negative,
};

function power(digits) {
  return 10n ** BigInt(digits);
}

/** dividend / divisor as an integer. */
function divided(dividend, divisor, mode) {
  const rounding = ROUNDINGS[mode];
  if (!Object.hasOwn(ROUNDINGS, mode)) {
    throw new TypeError(`a rounding is one of ${Object.keys(ROUNDINGS).join(", ")}, not ${String(mode)}`);
  }
  const negative = dividend < 0n !== divisor < 0n;
  const [above, below] = [dividend < 0n ? -dividend : dividend, divisor < 0n ? -divisor : divisor];
  const quotient = above / below;
  const up = rounding((above % below) * 2n, below, quotient % 2n === 1n, negative);
  const size = up ? quotient + 1n : quotient;
  return negative ? -size : size;
}

function places(count) {
  if (!Number.isInteger(count) || count < 0 || count > DIGITS) {
    throw new RangeError(`a number of decimals is from 0 to ${DIGITS}`);
  }
  return count;
}

/** An exact decimal number. */
export class Decimal {
  #unscaled;
  #scale;

  constructor(value) {
    if (value instanceof Decimal) {
      this.#unscaled = value.#unscaled;
      this.#scale = value.#scale;
    } else if (typeof value === "bigint") {
      this.#set(value, 0);
    } else if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) {
        throw new TypeError(`${value} isn't exact; write it as a string: new Decimal("${value}")`);
      }
      this.#set(BigInt(value), 0);
    } else if (typeof value === "string") {
      const parts = value.length <= DIGITS + 2 ? /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(value) : null;
      if (parts === null) throw new TypeError(`${JSON.stringify(value.slice(0, 40))} isn't a decimal number, such as "12.50"`);
      const digits = BigInt(parts[2] + (parts[3] ?? ""));
      this.#set(parts[1] === "-" ? -digits : digits, (parts[3] ?? "").length);
    } else {
      throw new TypeError("a Decimal is made of a string, an integer or a Decimal");
    }
    Object.freeze(this);
  }

  #set(unscaled, scale) {
    const size = unscaled < 0n ? -unscaled : unscaled;
    if (scale > DIGITS || size >= power(DIGITS)) throw new RangeError(`the result has more than ${DIGITS} digits`);
    this.#unscaled = unscaled;
    this.#scale = scale;
  }

  static #of(unscaled, scale) {
    const size = unscaled < 0n ? -unscaled : unscaled;
    const digits = size.toString().padStart(scale + 1, "0");
    const whole = digits.slice(0, digits.length - scale);
    const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`;
    if (text.length > DIGITS) throw new RangeError(`the result has more than ${DIGITS} digits`);
    return new Decimal(unscaled < 0n ? `-${text}` : text);
  }

  /** Both as integers of the same scale. */
  #aligned(other) {
    const given = other instanceof Decimal ? other : new Decimal(other);
    const scale = Math.max(this.#scale, given.#scale);
    const of = (one) => one.#unscaled * power(scale - one.#scale);
    return [of(this), of(given), scale];
  }

  /** How many decimals it has. */
  get decimals() {
    return this.#scale;
  }

  plus(other) {
    const [one, two, scale] = this.#aligned(other);
    return Decimal.#of(one + two, scale);
  }

  minus(other) {
    const [one, two, scale] = this.#aligned(other);
    return Decimal.#of(one - two, scale);
  }

  times(other) {
    const given = new Decimal(other);
    return Decimal.#of(this.#unscaled * given.#unscaled, this.#scale + given.#scale);
  }

  /** Divides, and rounds to as many decimals as this number has. */
  div(other, mode, decimals = this.#scale) {
    const [one, two] = this.#aligned(other);
    if (two === 0n) throw new RangeError("division by zero");
    return Decimal.#of(divided(one * power(places(decimals)), two, mode), decimals);
  }

  round(decimals, mode = "HALF_EVEN") {
    if (places(decimals) >= this.#scale) {
      return Decimal.#of(this.#unscaled * power(decimals - this.#scale), decimals);
    }
    return Decimal.#of(divided(this.#unscaled, power(this.#scale - decimals), mode), decimals);
  }

  negated() {
    return Decimal.#of(-this.#unscaled, this.#scale);
  }

  abs() {
    return this.#unscaled < 0n ? this.negated() : this;
  }

  /** -1, 0 or 1. */
  compare(other) {
    const [one, two] = this.#aligned(other);
    return one < two ? -1 : one > two ? 1 : 0;
  }

  equals(other) {
    return this.compare(other) === 0;
  }

  isLess(other) {
    return this.compare(other) < 0;
  }

  isMore(other) {
    return this.compare(other) > 0;
  }

  isZero() {
    return this.#unscaled === 0n;
  }

  isNegative() {
    return this.#unscaled < 0n;
  }

  /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
  allocate(weights) {
    const all = shares(this.#unscaled, weights);
    return all.map((share) => Decimal.#of(share, this.#scale));
  }

  toString() {
    const size = this.#unscaled < 0n ? -this.#unscaled : this.#unscaled;
    const digits = size.toString().padStart(this.#scale + 1, "0");
    const whole = digits.slice(0, digits.length - this.#scale);
    const text = this.#scale === 0 ? whole : `${whole}.${digits.slice(digits.length - this.#scale)}`;
    return this.#unscaled < 0n ? `-${text}` : text;
  }

  toJSON() {
    return this.toString();
  }

  valueOf() {
    throw new TypeError("a Decimal has no operators; write a.plus(b), a.times(b) or a.compare(b)");
  }
}

/** Integers in proportion to weights, which add up to the whole. */
function shares(whole, weights) {
  if (!Array.isArray(weights) || weights.length === 0) throw new TypeError("allocate takes a list of weights");
  const all = weights.map((weight) => new Decimal(weight));
  const decimals = Math.max(...all.map((weight) => weight.decimals));
  const units = all.map((weight) => BigInt(weight.times(new Decimal(power(decimals))).round(0).toString()));
  const total = units.reduce((sum, unit) => sum + unit, 0n);
  if (total <= 0n || units.some((unit) => unit < 0n)) {
    throw new RangeError("weights aren't negative, and one of them is more than 0");
  }
  const [size, sign] = whole < 0n ? [-whole, -1n] : [whole, 1n];
  const parts = units.map((unit) => (size * unit) / total);
  let left = size - parts.reduce((sum, part) => sum + part, 0n);
  for (let place = 0; left > 0n; place = (place + 1) % parts.length) {
    if (units[place] > 0n) {
      parts[place] += 1n;
      left -= 1n;
    }
  }
  return parts.map((part) => part * sign);
}

/** An exact amount in a currency. */
export class Money {
  /** Its number. */
  amount;
  /** Such as "EUR". */
  currency;

  constructor(amount, currency) {
    this.amount = new Decimal(amount);
    if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) {
      throw new TypeError('a currency is written like "EUR"');
    }
    this.currency = currency;
    Object.freeze(this);
  }

  /** An amount as records have it. */
  static from(value) {
    if (value instanceof Money) return value;
    if (typeof value !== "object" || value === null) {
      throw new TypeError('an amount of money is written like { amount: "12.50", currency: "EUR" }');
    }
    return new Money(value.amount, value.currency);
  }

  #same(other) {
    if (typeof other === "number" || typeof other === "bigint" || other instanceof Decimal) {
      throw new TypeError("a number isn't an amount of money; write new Money(\"12.50\", \"EUR\")");
    }
    const given = Money.from(other);
    if (given.currency !== this.currency) {
      throw new TypeError(`amounts in ${this.currency} and ${given.currency} can't be combined`);
    }
    return given.amount;
  }

  #of(amount) {
    return new Money(amount, this.currency);
  }

  plus(other) {
    return this.#of(this.amount.plus(this.#same(other)));
  }

  minus(other) {
    return this.#of(this.amount.minus(this.#same(other)));
  }

  /** Multiplies by a number; a fraction needs a rounding, to as many decimals as the amount has. */
  times(factor, mode) {
    const product = this.amount.times(factor);
    const rounded = product.round(this.amount.decimals, mode ?? "DOWN");
    if (mode === undefined && !rounded.equals(product)) {
      throw new RangeError('the product isn\'t exact; say how to round it: price.times("0.19", "HALF_EVEN")');
    }
    return this.#of(rounded);
  }

  /** Divides by a number, and rounds to as many decimals as the amount has. */
  div(divisor, mode) {
    return this.#of(this.amount.div(divisor, mode));
  }

  /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
  allocate(weights) {
    return this.amount.allocate(weights).map((share) => this.#of(share));
  }

  negated() {
    return this.#of(this.amount.negated());
  }

  compare(other) {
    return this.amount.compare(this.#same(other));
  }

  equals(other) {
    return this.compare(other) === 0;
  }

  isLess(other) {
    return this.compare(other) < 0;
  }

  isMore(other) {
    return this.compare(other) > 0;
  }

  isZero() {
    return this.amount.isZero();
  }

  isNegative() {
    return this.amount.isNegative();
  }

  toString() {
    return `${this.amount} ${this.currency}`;
  }

  toJSON() {
    return { amount: this.amount.toString(), currency: this.currency };
  }

  valueOf() {
    throw new TypeError("an amount of money has no operators; write a.plus(b), a.times(2) or a.compare(b)");
  }
}
