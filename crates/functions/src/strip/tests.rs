use super::strip;

fn check(source: &str, expected: &str) {
    let stripped = strip(source, true).unwrap_or_else(|wrong| panic!("{source}: {wrong:?}"));
    assert_eq!(stripped.code, expected, "{source}");
}

#[test]
fn types_become_blanks() {
    check("let a: number = 1;", "let a         = 1;");
    check("let a!: string;", "let a         ;");
    check("function f<T>(a?: T, ...b: T[]): T { return a!; }", "function f   (a    , ...b     )    { return a ; }");
    check("function f(this: Date, a: string) {}", "function f(            a        ) {}");
    check("const f = async <T,>(a: T): Promise<T> => a as T;", "const f = async     (a   )             => a     ;");
    check("f<number>(1); new Map<string, number>();", "f        (1); new Map                ();");
    check("const a = b satisfies C;", "const a = b            ;");
    check("try {} catch (e: unknown) {}", "try {} catch (e         ) {}");
    check("for (const a of b as string[]) {}", "for (const a of b            ) {}");
    check("for (let i = 0 as number; i < 1; i++) {}", "for (let i = 0          ; i < 1; i++) {}");
}

#[test]
fn declarations_of_types_become_empty_statements() {
    check("interface A { b: 1 }\nf()", ";                   \nf()");
    check("export type A = 1;\nexport interface B {}", ";                 \n;                    ");
    check("declare const a: 1;\ndeclare function f(): void;", ";                  \n;                          ");
    check("declare module 'x' { export const a: 1 }", ";                                       ");
    check("declare global { var a: 1 }", ";                          ");
    check(
        "import type { A } from './a';\nimport B, { type C, d } from './b';",
        ";                            \nimport B, {         d } from './b';",
    );
    check(
        "export type { A } from './a';\nexport { type A, b };",
        ";                            \nexport {         b };",
    );
    check("function f(a: 1): void;\nfunction f(a: any) {}", ";                      \nfunction f(a     ) {}");
    check("export function f(): void;\nexport function f() {}", ";                         \nexport function f() {}");
}

#[test]
fn classes_keep_what_runs() {
    check(
        "abstract class A<T> extends B<T> implements C, D {\n  private readonly a: string = 'x';\n  static b?: number\n  declare c: 1;\n  abstract d(): void;\n  protected async e?(): Promise<void> {}\n  [key: string]: unknown;\n}",
        "         class A    extends B                    {\n  ;                a         = 'x';\n  static b ;       \n  ;            \n  ;                  \n  ;         async e ()                {}\n  ;                      \n}",
    );
}

#[test]
fn statements_end_where_they_ended() {
    check("a = b as C\n(d)", "a = b;    \n(d)");
    check("let a: T\n(d)", "let a;  \n(d)");
    check("const f = (\n): {\n} => 1;", "const f = (\n    \n) => 1;");
}

#[test]
fn letters_keep_their_columns() {
    check("const a: 'ä€😀' = b;", "const a        = b;");
    check("const a: {\r\n} = b;", "const a   \r\n  = b;");
}

#[test]
fn what_is_not_only_a_type_is_refused() {
    let check = |source: &str, expected: &str| {
        let wrong = strip(source, true).expect_err("is refused");
        assert!(wrong.iter().any(|wrong| wrong.message.contains(expected)), "{source}: {wrong:?}");
    };
    check("enum A { B }", "an enum isn't supported");
    check("const enum A { B }", "an enum isn't supported");
    check("namespace A { export const b = 1 }", "a namespace isn't supported");
    check("class A { constructor(public b: 1) {} }", "a parameter property isn't supported");
    check("const a = <string>b;", "a type before an expression isn't supported");
    check("import a = require('b');", "aren't supported");
    check("@a class B {}", "decorators aren't supported");
}

#[test]
fn javascript_has_no_types() {
    assert!(strip("let a: number = 1;", false).is_err());
    assert_eq!(strip("let a = 1;", false).expect("is JavaScript").code, "let a = 1;");
}
