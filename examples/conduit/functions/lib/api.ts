import { Problem, Refused, type FunctionContext } from "backstay";

/** What the API shows of a person. */
export const person = { username: true, bio: true, image: true, following: true } as const;

const STATUS: { [code: string]: number } = { "not-found": 404, forbidden: 403, "wrong-credentials": 401 };

/** A route whose refusals are written as the RealWorld API has them: `{"errors": {"body": ["…"]}}`. */
export function route(run: (request: Request, context: FunctionContext) => Promise<unknown>) {
  return (request: Request, context: FunctionContext) => run(request, context).catch((error: unknown) => {
    if (!(error instanceof Problem || error instanceof Refused)) throw error;
    const parts = error instanceof Problem && error.errors.length > 0 ? error.errors : [{ at: "", message: error.message }];
    const body = parts.map(({ at, message }) => `${at.replace(/^(\/body)?\/?/, "")} ${message}`.trim());
    return Response.json({ errors: { body } }, { status: STATUS[error.code ?? ""] ?? 422 });
  });
}

/** What is in the body under this name: `{"article": {…}}`. */
export const sent = async (request: Request, name: string) => (await request.json())?.[name] ?? {};
