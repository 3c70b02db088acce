/** When a request of a function is made: at once, or at the commit of its block. */
type When = "now" | "queued";
type Returned<M extends When, R> = Promise<M extends "now" ? R : Queued<R>>;
/** What is known of a write before it is carried out: the ids of records, `null` if the database gives them. */
type Queued<R> = [R] extends [null]
  ? null
  : R extends readonly unknown[]
  ? ({ id: string } | null)[]
  : { id: string } | null;

/** What a function gets beside its arguments. */
export interface FunctionContext {
  /** Requests in the name of the caller: each by itself, or as blocks that are one commit. */
  readonly db: Db;
  /** Who calls. */
  readonly auth: Auth;
  /** Work to be done later. */
  readonly jobs: Jobs;
  /** Lines of the server's log. */
  readonly log: Log;
}

/** Work to be done later, by actions with `@job`. */
export interface Jobs {
  /**
   * Queues a job, in the commit of the transaction that is open, or by itself. Answers its id; null with `unique`, because another
   * unfinished job may have that key: then none is added.
   */
  add(job: string, input?: object, terms?: JobTerms): Promise<string | null>;
}

/** When, how urgently and how often a job is tried. */
export interface JobTerms {
  /** When it is due. */
  at?: Date | string;
  /** Seconds until it is due. */
  delay?: number;
  /** Jobs that are more urgent run first. */
  priority?: "HIGH" | "NORMAL" | "LOW";
  /** What only one unfinished job of its name has. */
  unique?: string;
  /** The jobs of a series run one after the other, as they were queued. */
  series?: string;
  /** How often it is tried. */
  attempts?: number;
}

/** Who calls a function. */
export interface Auth {
  readonly kind: "ANONYMOUS" | "ACCOUNT" | "SERVICE" | "OPERATOR" | "SYSTEM";
  readonly id: string | null;
  readonly roles: readonly string[];
  readonly claims: { readonly [name: string]: string };
  readonly verified: boolean;
  /** The actions that run, the outermost first. */
  readonly via: readonly string[];
}

/** Lines of the server's log. */
export interface Log {
  debug(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
}

/** What another server answered, whatever its status. */
export interface FetchResponse {
  readonly status: number;
  /** Whether the status is one of 200 to 299. */
  readonly ok: boolean;
  readonly headers: {
    get(name: string): string | null;
    has(name: string): boolean;
    entries(): IterableIterator<[string, string]>;
  };
  text(): Promise<string>;
  json(): Promise<any>;
}
/** What is asked of another server. */
export interface FetchOptions {
  method?: string;
  headers?: { [name: string]: string } | [string, string][];
  body?: string;
}
declare global {
  /** Calls another server, outside of transactions. A redirect isn't followed. */
  function fetch(url: string, options?: FetchOptions): Promise<FetchResponse>;
}

/** Refuses the call: its caller sees the message and the code. */
export class Refused extends Error {
  /** `code` is for programs, such as `sold-out`. */
  constructor(message: string, options?: { code?: string });
  readonly code?: string;
}

/** One thing that is wrong with a request. */
export interface ProblemPart {
  readonly at: string;
  readonly message: string;
}

/** Why a request of `db` was refused. */
export class Problem extends Error {
  private constructor();
  /** Such as `not-found`; it never changes. */
  readonly code: string;
  readonly errors: readonly ProblemPart[];
}

/** How a result is rounded that has too many decimals. */
export type Rounding = "HALF_EVEN" | "HALF_UP" | "HALF_DOWN" | "UP" | "DOWN" | "CEILING" | "FLOOR";
/** A number of a computation: exact, so a fraction is written as a string. */
export type Exact = Decimal | string | bigint | number;

/** An exact decimal number. */
export class Decimal {
  /** A fraction is written as a string: `new Decimal("12.50")`. */
  constructor(value: Exact);
  /** How many decimals it has. */
  readonly decimals: number;
  plus(other: Exact): Decimal;
  minus(other: Exact): Decimal;
  times(other: Exact): Decimal;
  /** Divides, and rounds to as many decimals as this number has. */
  div(other: Exact, mode: Rounding, decimals?: number): Decimal;
  round(decimals: number, mode?: Rounding): Decimal;
  negated(): Decimal;
  abs(): Decimal;
  compare(other: Exact): -1 | 0 | 1;
  equals(other: Exact): boolean;
  isLess(other: Exact): boolean;
  isMore(other: Exact): boolean;
  isZero(): boolean;
  isNegative(): boolean;
  /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
  allocate(weights: readonly Exact[]): Decimal[];
  toString(): string;
  toJSON(): string;
  /** It has no operators. */
  valueOf(): never;
}

/** An exact amount in a currency. */
export class Money {
  constructor(amount: Exact, currency: string);
  /** An amount as records have it. */
  static from(value: { readonly amount: Exact; readonly currency: string }): Money;
  readonly amount: Decimal;
  readonly currency: string;
  plus(other: Money): Money;
  minus(other: Money): Money;
  /** A factor with a fraction needs a rounding, to as many decimals as the amount has. */
  times(factor: Exact, mode?: Rounding): Money;
  /** Divides, and rounds to as many decimals as the amount has. */
  div(divisor: Exact, mode: Rounding): Money;
  /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
  allocate(weights: readonly Exact[]): Money[];
  negated(): Money;
  compare(other: Money): -1 | 0 | 1;
  equals(other: Money): boolean;
  isLess(other: Money): boolean;
  isMore(other: Money): boolean;
  isZero(): boolean;
  isNegative(): boolean;
  toString(): string;
  toJSON(): { amount: string; currency: string };
  /** It has no operators. */
  valueOf(): never;
}
