/** Where the server is, and how to reach it. */
export interface ConnectOptions {
  /** Such as `https://news.example`. */
  url: string;
  /** The token of a session, or a key. Signing in sets it. */
  token?: string;
  /** The token of a secret link. Making one sets it. */
  link?: string;
  /** Headers of every request. */
  headers?: { [name: string]: string };
  /** Used in the place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** One thing that is wrong with a request. */
export interface ProblemPart {
  /** A JSON pointer into the body, or the name of a parameter or header. */
  at: string;
  message: string;
  remedy?: string;
  /** What a hook of the application calls its refusal. */
  reason?: string;
}

/** The server refused a request, or failed (RFC 9457). */
export class Problem extends Error {
  /** Such as `not-found`; it never changes. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  /** What the application's own code calls its refusal, such as `sold-out`. */
  readonly reason: string | null;
  readonly errors: readonly ProblemPart[];
  readonly requestId: string | null;
  /** Of a transaction: the request that failed, counted from 0. */
  readonly request: number | null;
  /** The version that is stored, if `ifMatch` names another. */
  readonly version: number | null;
  /** After how many seconds another attempt makes sense. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: any) {
    const about = typeof body === "object" && body !== null ? body : {};
    super(about.detail ?? `${response.status} ${response.statusText}`);
    this.name = "Problem";
    this.code = codeOf(about);
    this.status = response.status;
    this.title = about.title ?? response.statusText;
    this.detail = about.detail ?? "";
    this.remedy = about.remedy ?? "";
    this.reason = about.reason ?? null;
    this.errors = about.errors ?? [];
    this.requestId = about.requestId ?? null;
    this.request = about.request ?? null;
    this.version = about.version ?? null;
    const seconds = response.headers.get("Retry-After");
    this.retryAfter = seconds === null ? null : Number(seconds);
  }
}

/** The last part of the type of a problem. */
function codeOf(problem: any): string {
  return String(problem.type ?? "").replace(/^.*\//, "") || "no-problem-document";
}

type When = "now" | "later";
type Returned<M extends When, R> = M extends "now" ? Promise<R> : LaterRequest<R>;

/** In the place of a value: one of the result of an earlier request, such as `w.id` of the one with the name `w`. */
export function ref<T = any>(path: string): T {
  return { $ref: path } as any;
}

/** A session that began. */
export interface SignedIn {
  token: string;
  expiresAt: string;
  account: SignedInAccount;
}

/** A secret link that was made. */
export interface MadeLink {
  id: string;
  token: string;
  expiresAt: string;
}

/** What a request is made of. */
interface SentRequest {
  query?: { [name: string]: unknown };
  body?: unknown;
  headers?: { [name: string]: string };
  withoutLink?: true;
}

class HttpConnection {
  readonly options: ConnectOptions;
  token: string | undefined;
  link: string | undefined;
  /** Of the last write: reads see it on every server. */
  commit: string | undefined;

  constructor(options: ConnectOptions) {
    this.options = options;
    this.token = options.token;
    this.link = options.link;
  }

  async send(method: string, path: string, sent: SentRequest = {}): Promise<any> {
    const text = await (await this.open(method, path, sent)).text();
    return text === "" ? null : parsed(text);
  }

  /** The response, if it isn't a problem. */
  async open(method: string, path: string, { query, body, headers, withoutLink }: SentRequest): Promise<Response> {
    const { url, fetch: send = fetch } = this.options;
    const all: { [name: string]: string } = { Accept: "application/json", ...this.options.headers, ...headers };
    if (this.token !== undefined) all["Authorization"] = `Bearer ${this.token}`;
    if (this.link !== undefined && !withoutLink) all["Backstay-Link"] = this.link;
    if (this.commit !== undefined) all["Backstay-Commit"] = this.commit;
    const init: RequestInit = { method, headers: all };
    if (body !== undefined) {
      all["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await send(url.replace(/\/+$/, "") + path + parameters(query), init);
    this.commit = response.headers.get("Backstay-Commit") ?? this.commit;
    if (!response.ok) {
      const problem = new Problem(response, parsed(await response.text()));
      // The database is another one now.
      if (problem.errors.some(({ at }) => at === "backstay-commit")) this.commit = undefined;
      throw problem;
    }
    return response;
  }
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    // Something between client and server may answer.
    return null;
  }
}

/** The lines of a response, as they arrive. */
async function* linesOf(response: Response): AsyncGenerator<string, void, void> {
  if (response.body === null) return;
  const [reader, decoder] = [response.body.getReader(), new TextDecoder()];
  let rest = "";
  try {
    for (let done = false; !done; ) {
      const part = await reader.read();
      done = part.done;
      rest += part.done ? decoder.decode() : decoder.decode(part.value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield line;
    }
  } finally {
    await reader.cancel();
  }
}

function parameters(query: { [name: string]: unknown } = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const written = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(value))}`);
  return written.length === 0 ? "" : `?${written.join("&")}`;
}

/** A value as a URL has it. */
function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The same in a URL. */
function listParameters(query: any = {}): { [name: string]: unknown } {
  const { params, where, ...rest } = query;
  return { ...where, ...rest, ...valuesOf(params) };
}

function valuesOf(params: FilterParams = {}): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [`$${name}`, value]));
}

/** What is answered of a record, in a URL. */
function shownParameters({ select, params }: any = {}): { [name: string]: unknown } {
  return { select: selectText(select), ...valuesOf(params) };
}

/** A write as it is sent. */
function written(body: unknown, options?: any): SentRequest {
  return { query: shownParameters(options), body, headers: writeHeaders(options) };
}

function writeHeaders({ ifMatch, ifNoneMatch, idempotencyKey }: ReplaceOptions = {}): { [name: string]: string } {
  const headers: { [name: string]: string } = {};
  if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}.x"`;
  if (ifNoneMatch !== undefined) headers["If-None-Match"] = ifNoneMatch;
  if (idempotencyKey !== undefined) headers["Idempotency-Key"] = idempotencyKey;
  return headers;
}

/** What can be asked of a collection; the types say which of it the model allows. */
class CollectionRequests {
  private readonly connection: HttpConnection;
  private readonly path: string;

  constructor(connection: HttpConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  list(query?: any): Promise<any> {
    return this.connection.send("POST", `${this.path}:query`, { body: listBody(query) });
  }

  async *pages(query: any = {}): AsyncGenerator<any, void, void> {
    let after = query.after;
    do {
      const page: PageOf<unknown> = await this.list({ ...query, after });
      yield page;
      after = page.next;
    } while (after !== null);
  }

  async *all(query?: any): AsyncGenerator<any, void, void> {
    for await (const page of this.pages(query)) yield* page.items;
  }

  async *export(query?: any): AsyncGenerator<any, void, void> {
    const asked = { ...listParameters(listBody(query)), format: "ndjson" };
    const sent = { query: asked, headers: { Accept: "*/*" } };
    for await (const line of linesOf(await this.connection.open("GET", `${this.path}:export`, sent))) yield JSON.parse(line);
  }

  get(which: any, query: any = {}): Promise<any> {
    return this.about("GET", which, { query: { asOf: query.asOf, ...shownParameters(query) } });
  }

  async find(which: any, query?: any): Promise<any> {
    try {
      return await this.get(which, query);
    } catch (error) {
      if (error instanceof Problem && error.code === "not-found") return null;
      throw error;
    }
  }

  aggregate(query?: any): Promise<any> {
    return this.connection.send("POST", `${this.path}:aggregate`, { body: aggregateBody(query) });
  }

  create(body: any, options?: any): Promise<any> {
    return this.connection.send("POST", this.path, written(body, options));
  }

  createMany(bodies: any, options?: any): Promise<any> {
    return this.create(bodies, options);
  }

  upsert(body: any, { onConflict, ...options }: any): Promise<any> {
    const { query, ...sent } = written(body, options);
    return this.connection.send("POST", this.path, { query: { onConflict, ...query }, ...sent });
  }

  upsertMany(bodies: any, options: any): Promise<any> {
    return this.upsert(bodies, options);
  }

  update(which: any, body: any, options?: any): Promise<any> {
    return this.about("PATCH", which, written(body, options));
  }

  replace(which: any, body: any, options?: any): Promise<any> {
    return this.about("PUT", which, written(body, options));
  }

  delete(which: any, options?: ChangeOptions): Promise<null> {
    return this.about("DELETE", which, { headers: writeHeaders(options) });
  }

  updateAll(query: any, body: any, options?: WriteOptions): Promise<any> {
    return this.connection.send("PATCH", this.path, { query: listParameters(listBody(query)), body, headers: writeHeaders(options) });
  }

  deleteAll(query: any, options?: WriteOptions): Promise<any> {
    return this.connection.send("DELETE", this.path, { query: listParameters(listBody(query)), headers: writeHeaders(options) });
  }

  changes(query?: any): Promise<any> {
    return this.connection.send("GET", `${this.path}:changes`, { query: listParameters(listBody(query)) });
  }

  trash(query?: any): Promise<any> {
    return this.connection.send("GET", `${this.path}:trash`, { query: listParameters(listBody(query)) });
  }

  restore(id: any, body?: any, options?: any): Promise<any> {
    return this.about("POST", id, written(body ?? {}, options), ":restore");
  }

  purge(id: any, options?: ChangeOptions): Promise<any> {
    return this.about("POST", id, { headers: writeHeaders(options) }, ":purge");
  }

  history(id: any, query?: any): Promise<any> {
    return this.about("GET", id, { query }, ":history");
  }

  private about(method: string, which: any, sent: SentRequest, action = ""): Promise<any> {
    if (typeof which !== "object") {
      return this.connection.send(method, `${this.path}/${encodeURIComponent(which)}${action}`, sent);
    }
    return this.connection.send(method, `${this.path}:by`, { ...sent, query: { ...which, ...sent.query } });
  }
}

/** The one record of a type. */
class SingleRequests {
  private readonly connection: HttpConnection;
  private readonly path: string;

  constructor(connection: HttpConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  get(query: any = {}): Promise<any> {
    return this.connection.send("GET", this.path, { query: { asOf: query.asOf, ...shownParameters(query) } });
  }

  update(body: any, options?: any): Promise<any> {
    return this.connection.send("PATCH", this.path, written(body, options));
  }

  replace(body: any, options?: any): Promise<any> {
    return this.connection.send("PUT", this.path, written(body, options));
  }
}

/** The answer of a request; a record that the caller may not read is answered by its id alone. */
function shownAnswer({ hides }: LaterRequest<any>, answer: any): any {
  if (!hides || typeof answer !== "object" || answer === null || Array.isArray(answer)) return answer;
  const members = Object.keys(answer).filter((member) => member !== "outcome");
  if (members.length !== 1 || members[0] !== "id") return answer;
  return "outcome" in answer ? { outcome: answer.outcome, record: null } : null;
}

/** Accounts and sessions. */
export class AccountRequests {
  private readonly connection: HttpConnection;

  constructor(connection: HttpConnection) {
    this.connection = connection;
  }

  /** Makes an account, and uses its session from now on. */
  signUp(account: SignUp): Promise<SignedIn> {
    return this.begin("/auth/sign-up", account);
  }

  /** Begins a session, and uses it from now on. */
  signIn(credentials: { email: string; password: string; as?: "account" | "operator" }): Promise<SignedIn> {
    return this.begin("/auth/sign-in", credentials);
  }

  /** Ends the session. */
  async signOut(): Promise<void> {
    await this.connection.send("POST", "/auth/sign-out");
    this.connection.token = undefined;
  }

  /** Ends all sessions of the account. */
  async signOutEverywhere(): Promise<void> {
    await this.connection.send("POST", "/auth/sign-out-everywhere");
    this.connection.token = undefined;
  }

  /** Who is calling. */
  me(): Promise<CurrentCaller> {
    return this.connection.send("GET", "/auth/me");
  }

  changePassword(change: { current: string; password: string }): Promise<SignedIn> {
    return this.begin("/auth/password", change);
  }

  changeEmail(change: { email: string; password: string }): Promise<CurrentCaller> {
    return this.connection.send("POST", "/auth/email", { body: change });
  }

  /** Makes a secret link, and shows it from now on, signed in or not. */
  async makeLink(): Promise<MadeLink> {
    // A link that has expired would be refused.
    const made: MadeLink = await this.connection.send("POST", "/auth/links", { withoutLink: true });
    this.connection.link = made.token;
    return made;
  }

  /** Revokes the link that is shown, or another that the account has made. */
  async revokeLink(link?: { id: string }): Promise<void> {
    await this.connection.send("POST", "/auth/links/revoke", { body: link });
    if (link === undefined) this.connection.link = undefined;
  }

  private async begin(path: string, body: unknown): Promise<SignedIn> {
    const session: SignedIn = await this.connection.send("POST", path, { body });
    this.connection.token = session.token;
    return session;
  }
}

/** A caller. */
export interface CurrentCaller {
  kind: "ACCOUNT" | "OPERATOR" | "SERVICE";
  id: string;
  roles: string[];
  claims: { [name: string]: string };
  expiresAt: string | null;
  verified?: boolean;
  account?: SignedInAccount;
  /** Of a key. */
  name?: string;
  /** What a key is limited to. */
  only?: string[] | null;
}

/** What every client can do. */
export class BackstayBase {
  readonly auth: AccountRequests;
  private readonly connection: HttpConnection;

  constructor(options: ConnectOptions) {
    this.connection = new HttpConnection(options);
    this.auth = new AccountRequests(this.connection);
    const later: { [name: string]: unknown } = {};
    for (const [name, { path, single }] of Object.entries(PATHS)) {
      const kind = single ? SingleRequests : CollectionRequests;
      Object.defineProperty(this, name, { value: new kind(this.connection, `${API}/${path}`), enumerable: true });
      later[name] = new LaterRequests(path);
    }
    Object.defineProperty(this, "later", { value: later, enumerable: true });
    const actions: { [name: string]: unknown } = {};
    for (const [name, { path, reads }] of Object.entries(ACTIONS)) {
      actions[name] = (args: { [name: string]: unknown } = {}, options?: any) => {
        if (!reads) return this.connection.send("POST", path, written(args, options));
        const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
        return this.connection.send("GET", path, { query: { ...given, ...shownParameters(options) } });
      };
    }
    if (Object.keys(actions).length > 0) Object.defineProperty(this, "do", { value: actions, enumerable: true });
  }

  /** The token of the session, or the key, if there is one. */
  get token(): string | undefined {
    return this.connection.token;
  }

  /** The token of the secret link that is shown, if there is one. */
  get link(): string | undefined {
    return this.connection.link;
  }

  /** Shows another link from now on, or none: what to do with one that is refused with `invalid-link`. */
  set link(token: string | undefined) {
    this.connection.link = token;
  }

  /** The same database for whoever has this token or key, or for anybody without one. It shows the link that this client
   * shows, unless another one is given, or `null` for none. */
  with(token: string | undefined, { link = this.link }: { link?: string | null } = {}): BackstayClient {
    const { token: _, link: __, ...options } = this.connection.options;
    return connect({ ...options, ...(token === undefined ? {} : { token }), ...(link == null ? {} : { link }) });
  }

  /** Makes several requests in one commit: all of them or none. The answers are in their order. */
  async transact<T extends readonly LaterRequest<any>[]>(
    requests: readonly [...T],
    options?: WriteOptions,
  ): Promise<{ -readonly [I in keyof T]: T[I] extends LaterRequest<infer R> ? R : never }> {
    const { results } = await this.sendAll(requests, {}, options);
    return results.map((answer: any, index: number) => shownAnswer(requests[index]!, answer)) as any;
  }

  /** Makes each of several requests by itself: one that is refused undoes none of the others. */
  async independently<T extends readonly LaterRequest<any>[]>(
    requests: readonly [...T],
    options?: WriteOptions,
  ): Promise<{ -readonly [I in keyof T]: Attempt<T[I] extends LaterRequest<infer R> ? R : never> }> {
    const { results } = await this.sendAll(requests, { mode: "independent" }, options);
    const shown = ({ body = null, ...rest }: any, index: number) =>
      rest.problem === undefined
        ? { ...rest, body: shownAnswer(requests[index]!, body) }
        : { ...rest, problem: { ...rest.problem, code: codeOf(rest.problem) } };
    return results.map(shown) as any;
  }

  private sendAll(all: readonly LaterRequest<any>[], query: { mode?: string }, options?: WriteOptions): Promise<any> {
    const body = { requests: all.map(({ request }) => request) };
    return this.connection.send("POST", "/transact", { query, body, headers: writeHeaders(options) });
  }
}

/** A client of the application. */
export function connect(options: ConnectOptions): BackstayClient {
  return new BackstayBase(options) as BackstayClient;
}
