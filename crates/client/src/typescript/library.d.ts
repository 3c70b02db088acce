/** When a request of a function is made: at once, or at the commit of its block; then the id of a new record can be known before. */
type When = "now" | "known" | "counted" | "queued";
type Returned<M extends When, R> = Promise<
  M extends "now" ? R : M extends "known" ? Known<R, string> : M extends "counted" ? Known<R, number> : Queued<R>
>;
/** What is known of new records before they are written. */
type Known<R, I> = R extends readonly unknown[] ? { id: I }[] : { id: I };
/** What is known of a write before it is carried out: the id of the record if it was named by that, otherwise `null`. */
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
  /** Mail, made of the templates in `mail/`. */
  readonly mail: Mailer;
  /** Values of the configuration that nobody else may see. */
  readonly secrets: Secrets;
}

/** What a hook before a change gets beside it. It reads as the caller, and does nothing else. */
export interface BeforeContext {
  /** Reads in the name of the caller, which are made again in the commit of the change. */
  readonly db: Readings;
  /** Who makes the change. */
  readonly auth: Omit<Auth, "signUp" | "signIn" | "signOut" | "changeEmail" | "changePassword">;
  readonly log: Log;
  readonly secrets: Secrets;
}

/** The fields of a record as a hook sees them. What no client sends has no value yet. */
export type Proposed<N extends TypeName> = {
  readonly [F in Exclude<keyof Types[N]["record"], "createdAt" | "updatedAt" | "version">]: F extends
    | "id"
    | keyof Types[N]["create"]
    ? Types[N]["record"][F]
    : Types[N]["record"][F] | null;
};

/** A change of a record that is about to be made. */
export type Change<N extends TypeName, E extends "CREATE" | "UPDATE" | "DELETE"> = E extends "DELETE"
  ? { readonly event: "DELETE"; readonly stored: Readonly<Types[N]["record"]>; readonly proposed: null; readonly sent: null }
  : {
      readonly event: E;
      /** The record as it is; `null` of a new one. */
      readonly stored: E extends "CREATE" ? null : Readonly<Types[N]["record"]>;
      /** The record as it would be. */
      readonly proposed: Proposed<N>;
      /** What was sent for it. */
      readonly sent: Partial<Proposed<N>>;
    };

/** Values that a hook returns: exact ones, too. */
type Returning<T> = T extends { amount: string; currency: string } ? T | Money : T extends string ? T | Decimal : T;

/** The fields that get other values; nothing, and the change is made as it is. */
export type Changes<N extends TypeName> = {
  [F in Exclude<keyof Types[N]["record"], "id" | "createdAt" | "updatedAt" | "version">]?: Returning<Types[N]["record"][F]>;
};

/**
 * A function that `@on(phase: BEFORE)` names. It returns the fields that get other values, or throws `Refused`, and may run several
 * times for one change.
 */
export type BeforeHook<N extends TypeName, E extends "CREATE" | "UPDATE" | "DELETE" = "CREATE" | "UPDATE"> = (
  change: Change<N, E>,
  context: BeforeContext,
) => E extends "DELETE" ? void | Promise<void> : Changes<N> | void | Promise<Changes<N> | void>;

/** Values of the configuration that nobody else may see. */
export interface Secrets {
  /** The value; an error if there is none. */
  get(name: string): string;
  has(name: string): boolean;
}

/** Work to be done later, by actions with `@job`. */
export interface Jobs {
  /**
   * Queues a job, in the commit of the transaction that is open, or by itself. Answers its id; null with `unique`, because another
   * unfinished job may have that key: then none is added.
   */
  add<J extends keyof JobInputs>(
    job: J,
    ...more: {} extends JobInputs[J] ? [input?: JobInputs[J], terms?: JobTerms] : [input: JobInputs[J], terms?: JobTerms]
  ): Promise<string | null>;
  /**
   * Keeps how far the job is that runs, for `backstay job show`: what part of it is done, 0 to 1, and what it is at. Throws if the job
   * was cancelled.
   */
  report(done: number, note?: string): Promise<void>;
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

/** Mail, made of the templates in `mail/`. */
export interface Mailer {
  /**
   * Queues a mail, in the commit of the transaction that is open, or by itself. Answers the id of its job, which sends it once that
   * commit is durable.
   */
  send<T extends keyof MailTemplates>(mail: OutgoingMail<T>): Promise<string>;
}

/** A mail to one address. */
export type OutgoingMail<T extends keyof MailTemplates> = {
  /** Such as `ann@example.org`, or `Ann <ann@example.org>`. */
  to: string;
  template: T;
  /** The language of whoever gets it, such as `de-CH`; without one, the language of the settings. */
  language?: string | null;
} & ({} extends MailTemplates[T] ? { values?: MailTemplates[T] } : { values: MailTemplates[T] });

/** Who calls a function. */
export interface Auth {
  readonly kind: "ANONYMOUS" | "ACCOUNT" | "SERVICE" | "OPERATOR" | "SYSTEM";
  readonly id: string | null;
  readonly roles: readonly string[];
  readonly claims: { readonly [name: string]: string };
  readonly verified: boolean;
  /** The actions that run, the outermost first. */
  readonly via: readonly string[];
  /** Makes an account from its fields, with a password, and begins a session, as `POST /auth/sign-up` does. */
  signUp(account: { email: string; password: string; invitation?: string; [field: string]: unknown }): Promise<SignedIn>;
  /** Begins a session, as `POST /auth/sign-in` does. */
  signIn(credentials: { email: string; password: string }): Promise<SignedIn>;
  /** Ends the session of the caller. */
  signOut(): Promise<null>;
  /** Changes the address with which the caller signs in. */
  changeEmail(change: { email: string; password: string }): Promise<any>;
  /** Changes the password of the caller, and begins another session: all others end. */
  changePassword(change: { current: string; password: string }): Promise<SignedIn>;
}

/** A session that has begun. */
export interface SignedIn {
  readonly token: string;
  readonly account: any;
  readonly expiresAt: string;
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
/** What a response has besides its body. */
export interface ResponseOptions {
  status?: number;
  statusText?: string;
  headers?: Headers | { [name: string]: string } | [string, string][];
}
/** Bytes. */
export type Bytes = ArrayBuffer | ArrayBufferView;
/** The name of a digest. */
export type HashName = "SHA-256" | "SHA-384" | "SHA-512";
/** A key of HMAC. */
export interface HmacKey {
  readonly type: "secret";
  readonly extractable: boolean;
  readonly algorithm: { readonly name: "HMAC"; readonly hash: { readonly name: HashName }; readonly length: number };
  readonly usages: readonly ("sign" | "verify")[];
}
global {
  class Headers {
    constructor(init?: Headers | { [name: string]: string } | [string, string][]);
    append(name: string, value: string): void;
    set(name: string, value: string): void;
    delete(name: string): void;
    /** The values, with commas between them. */
    get(name: string): string | null;
    getSetCookie(): string[];
    has(name: string): boolean;
    forEach(run: (value: string, name: string, headers: Headers) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
  }
  /** A file of a form. */
  class File {
    private constructor();
    readonly name: string;
    readonly type: string;
    readonly size: number;
    bytes(): Promise<Uint8Array>;
    arrayBuffer(): Promise<ArrayBuffer>;
    text(): Promise<string>;
  }
  /** The values of a form, by their names. */
  class FormData {
    append(name: string, value: string | File): void;
    get(name: string): string | File | null;
    getAll(name: string): (string | File)[];
    has(name: string): boolean;
    forEach(run: (value: string | File, name: string, form: FormData) => void): void;
    entries(): IterableIterator<[string, string | File]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string | File>;
    [Symbol.iterator](): IterableIterator<[string, string | File]>;
  }
  /** What a route is asked, and an inbox is sent. */
  class Request {
    private constructor();
    readonly method: string;
    readonly url: string;
    /** Without credentials: `auth` says who calls. */
    readonly headers: Headers;
    /** The parameters of the path. */
    readonly params: { readonly [name: string]: string };
    /** The token that the client sends in `Authorization`, of a route with `token: true`; else null. */
    readonly token: string | null;
    readonly bodyUsed: boolean;
    text(): Promise<string>;
    json(): Promise<any>;
    bytes(): Promise<Uint8Array>;
    arrayBuffer(): Promise<ArrayBuffer>;
    formData(): Promise<FormData>;
  }
  /** What a route answers. */
  class Response {
    constructor(body?: string | URLSearchParams | Bytes | null, init?: ResponseOptions);
    static json(value: unknown, init?: ResponseOptions): Response;
    static redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
    readonly status: number;
    readonly ok: boolean;
    readonly headers: Headers;
    readonly bodyUsed: boolean;
    text(): Promise<string>;
    json(): Promise<any>;
    bytes(): Promise<Uint8Array>;
    arrayBuffer(): Promise<ArrayBuffer>;
    formData(): Promise<FormData>;
  }
  /** Calls another server, outside of transactions. A redirect isn't followed. */
  function fetch(url: string | URL, options?: FetchOptions): Promise<FetchResponse>;
  /** A copy of a value and all that it holds. */
  function structuredClone<T>(value: T): T;
  function queueMicrotask(run: () => void): void;
  /** Base64 of a text whose letters stand for bytes. */
  function btoa(text: string): string;
  function atob(base64: string): string;
  var console: {
    debug(...parts: unknown[]): void;
    log(...parts: unknown[]): void;
    info(...parts: unknown[]): void;
    warn(...parts: unknown[]): void;
    error(...parts: unknown[]): void;
    trace(...parts: unknown[]): void;
  };
  var crypto: {
    randomUUID(): string;
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    /** Digests, and signatures with HMAC. */
    readonly subtle: {
      digest(algorithm: HashName | { name: HashName }, data: Bytes): Promise<ArrayBuffer>;
      importKey(
        format: "raw",
        data: Bytes,
        algorithm: { name: "HMAC"; hash: HashName | { name: HashName } },
        extractable: boolean,
        usages: readonly ("sign" | "verify")[],
      ): Promise<HmacKey>;
      sign(algorithm: "HMAC" | { name: "HMAC" }, key: HmacKey, data: Bytes): Promise<ArrayBuffer>;
      verify(algorithm: "HMAC" | { name: "HMAC" }, key: HmacKey, signature: Bytes, data: Bytes): Promise<boolean>;
    };
  };
  class TextEncoder {
    readonly encoding: "utf-8";
    encode(text?: string): Uint8Array;
  }
  /** Reads UTF-8. */
  class TextDecoder {
    constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
    readonly encoding: "utf-8";
    decode(bytes?: Bytes): string;
  }
  class URL {
    constructor(url: string | URL, base?: string | URL);
    static canParse(url: string | URL, base?: string | URL): boolean;
    static parse(url: string | URL, base?: string | URL): URL | null;
    href: string;
    readonly origin: string;
    protocol: string;
    username: string;
    password: string;
    host: string;
    hostname: string;
    port: string;
    pathname: string;
    search: string;
    readonly searchParams: URLSearchParams;
    hash: string;
    toString(): string;
    toJSON(): string;
  }
  /** A part of the standard: moments, days and lengths of time. They have no operators. */
  namespace Temporal {
    type Unit = "years" | "months" | "weeks" | "days" | "hours" | "minutes" | "seconds";
    type Length = Duration | string | { [unit in Unit | "milliseconds" | "microseconds" | "nanoseconds"]?: number };
    interface Largest {
      largestUnit?: Unit | "year" | "month" | "week" | "day" | "hour" | "minute" | "second" | "auto";
    }
    interface Measured<T> {
      add(length: Length): T;
      subtract(length: Length): T;
      until(other: T | string, options?: Largest): Duration;
      since(other: T | string, options?: Largest): Duration;
      equals(other: T | string): boolean;
      toString(): string;
      toJSON(): string;
      valueOf(): never;
    }
    interface Kind<T> {
      from(value: T | string): T;
      compare(one: T | string, other: T | string): -1 | 0 | 1;
    }
    interface Instant extends Measured<Instant> {
      readonly epochMilliseconds: number;
      toZonedDateTimeISO(timeZone: string): ZonedDateTime;
    }
    const Instant: Kind<Instant> & { fromEpochMilliseconds(milliseconds: number): Instant };
    interface PlainDate extends Measured<PlainDate> {
      readonly year: number;
      readonly month: number;
      readonly day: number;
      readonly dayOfWeek: number;
      readonly dayOfYear: number;
      readonly daysInMonth: number;
      readonly inLeapYear: boolean;
      with(fields: { year?: number; month?: number; day?: number }): PlainDate;
      toZonedDateTime(timeZone: string): ZonedDateTime;
    }
    const PlainDate: Kind<PlainDate>;
    interface ZonedDateTime extends Measured<ZonedDateTime> {
      readonly year: number;
      readonly month: number;
      readonly day: number;
      readonly hour: number;
      readonly minute: number;
      readonly second: number;
      readonly millisecond: number;
      readonly dayOfWeek: number;
      readonly timeZoneId: string;
      readonly offset: string;
      readonly epochMilliseconds: number;
      startOfDay(): ZonedDateTime;
      withTimeZone(timeZone: string): ZonedDateTime;
      toInstant(): Instant;
      toPlainDate(): PlainDate;
    }
    const ZonedDateTime: Kind<ZonedDateTime>;
    interface Duration {
      readonly years: number;
      readonly months: number;
      readonly weeks: number;
      readonly days: number;
      readonly hours: number;
      readonly minutes: number;
      readonly seconds: number;
      readonly milliseconds: number;
      readonly microseconds: number;
      readonly nanoseconds: number;
      readonly sign: -1 | 0 | 1;
      readonly blank: boolean;
      negated(): Duration;
      abs(): Duration;
      toString(): string;
      toJSON(): string;
      valueOf(): never;
    }
    const Duration: { from(value: Length): Duration };
    const Now: {
      instant(): Instant;
      zonedDateTimeISO(timeZone: string): ZonedDateTime;
      plainDateISO(timeZone: string): PlainDate;
    };
  }
  class URLSearchParams {
    constructor(init?: string | { [name: string]: string } | Iterable<readonly [string, string]>);
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(run: (value: string, name: string, params: URLSearchParams) => void): void;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    entries(): IterableIterator<[string, string]>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
    toString(): string;
  }
}

/** Refuses the call, or the change before which it runs: the caller sees the message and the code. */
export class Refused extends Error {
  /** `code` is for programs, such as `sold-out`; `field` is the field that a hook before a change refuses. */
  constructor(message: string, options?: { code?: string; field?: string });
  readonly code?: string;
  readonly field?: string;
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
  /** The code of a `Refused`, such as `sold-out`. */
  readonly reason?: string | null;
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
