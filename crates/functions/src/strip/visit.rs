//! What of a syntax tree is only a type, and what is more than that but TypeScript's alone.

use oxc_ast::ast::{
    AccessorProperty, ArrowFunctionExpression, Class, ClassElement, Declaration, Decorator, ExportAllDeclaration,
    ExportDeclaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration,
    ExportNamedDeclaration, ExpressionStatement, ForStatementInit, ForStatementLeft, FormalParameter, Function,
    ImportDeclaration, ImportDeclarationSpecifier, ImportOrExportKind, MethodDefinition, MethodDefinitionType,
    PropertyDefinition, PropertyDefinitionType, ReturnStatement, TSAsExpression, TSEnumDeclaration, TSExportAssignment,
    TSExternalModuleDeclaration, TSGlobalDeclaration, TSImportEqualsDeclaration, TSInterfaceDeclaration,
    TSNamespaceDeclaration, TSNamespaceExportDeclaration, TSNonNullExpression, TSSatisfiesExpression,
    TSTypeAliasDeclaration, TSTypeAnnotation, TSTypeAssertion, TSTypeParameterDeclaration,
    TSTypeParameterInstantiation, ThrowStatement, VariableDeclaration, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;

use super::blanker::{Blanker, is_line_end};

const NO_ENUM: &str =
    "an enum isn't supported, because it isn't only a type; use a union of strings, or an object with `as const`";
const NO_NAMESPACE: &str = "a namespace isn't supported, because it isn't only a type; use a module of its own";
const NO_PARAMETER_PROPERTY: &str =
    "a parameter property isn't supported; declare the field and assign it in the constructor";
const NO_DECORATOR: &str = "decorators aren't supported";
const NO_ASSERTION: &str = "a type before an expression isn't supported; write `x as T` instead of `<T>x`";
const NO_REQUIRE: &str = "`import x = …` and `export = …` aren't supported; write `import x from \"…\"` and `export`";

impl<'a> Visit<'a> for Blanker<'_> {
    fn visit_ts_type_annotation(&mut self, it: &TSTypeAnnotation<'a>) {
        self.blank_end(it.span);
    }

    fn visit_ts_type_parameter_declaration(&mut self, it: &TSTypeParameterDeclaration<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, it: &TSTypeParameterInstantiation<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_interface_declaration(&mut self, it: &TSInterfaceDeclaration<'a>) {
        self.blank_whole(it.span);
    }

    fn visit_ts_type_alias_declaration(&mut self, it: &TSTypeAliasDeclaration<'a>) {
        self.blank_whole(it.span);
    }

    fn visit_ts_global_declaration(&mut self, it: &TSGlobalDeclaration<'a>) {
        self.blank_whole(it.span);
    }

    fn visit_ts_external_module_declaration(&mut self, it: &TSExternalModuleDeclaration<'a>) {
        self.blank_whole(it.span);
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        match it.declare {
            true => self.blank_whole(it.span),
            false => self.refuse(it.span, NO_NAMESPACE),
        }
    }

    fn visit_ts_namespace_export_declaration(&mut self, it: &TSNamespaceExportDeclaration<'a>) {
        self.refuse(it.span, NO_NAMESPACE);
    }

    fn visit_ts_enum_declaration(&mut self, it: &TSEnumDeclaration<'a>) {
        match it.declare {
            true => self.blank_whole(it.span),
            false => self.refuse(it.span, NO_ENUM),
        }
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        self.refuse(it.span, NO_REQUIRE);
    }

    fn visit_ts_export_assignment(&mut self, it: &TSExportAssignment<'a>) {
        self.refuse(it.span, NO_REQUIRE);
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.refuse(it.span, NO_DECORATOR);
    }

    fn visit_ts_type_assertion(&mut self, it: &TSTypeAssertion<'a>) {
        self.refuse(it.span, NO_ASSERTION);
    }

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        self.blank_end(Span::new(it.expression.span().end, it.span.end));
        self.visit_expression(&it.expression);
    }

    fn visit_ts_satisfies_expression(&mut self, it: &TSSatisfiesExpression<'a>) {
        self.blank_end(Span::new(it.expression.span().end, it.span.end));
        self.visit_expression(&it.expression);
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        self.blank(Span::new(it.span.end - 1, it.span.end));
        self.visit_expression(&it.expression);
    }

    fn visit_expression_statement(&mut self, it: &ExpressionStatement<'a>) {
        self.open_end(it.span);
        walk::walk_expression_statement(self, it);
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        self.open_end(it.span);
        walk::walk_return_statement(self, it);
    }

    fn visit_throw_statement(&mut self, it: &ThrowStatement<'a>) {
        self.open_end(it.span);
        walk::walk_throw_statement(self, it);
    }

    fn visit_variable_declaration(&mut self, it: &VariableDeclaration<'a>) {
        if it.declare {
            self.blank_whole(it.span);
            return;
        }
        self.open_end(it.span);
        walk::walk_variable_declaration(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if it.definite {
            self.blank_mark(it.id.span().end, '!');
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_for_statement_init(&mut self, it: &ForStatementInit<'a>) {
        match it {
            // No semicolon of its own ends it.
            ForStatementInit::VariableDeclaration(declared) => self.visit_variable_declarators(&declared.declarations),
            _ => walk::walk_for_statement_init(self, it),
        }
    }

    fn visit_for_statement_left(&mut self, it: &ForStatementLeft<'a>) {
        match it {
            ForStatementLeft::VariableDeclaration(declared) => self.visit_variable_declarators(&declared.declarations),
            _ => walk::walk_for_statement_left(self, it),
        }
    }

    fn visit_formal_parameter(&mut self, it: &FormalParameter<'a>) {
        if it.accessibility.is_some() || it.readonly || it.r#override {
            self.refuse(it.span, NO_PARAMETER_PROPERTY);
            return;
        }
        if it.optional {
            self.blank_mark(it.pattern.span().end, '?');
        }
        walk::walk_formal_parameter(self, it);
    }

    fn visit_function(&mut self, it: &Function<'a>, _: ScopeFlags) {
        if it.declare || it.body.is_none() {
            self.blank_whole(it.span);
            return;
        }
        if let Some(this) = &it.this_param {
            self.blank(this.span);
            self.blank_comma(this.span.end);
        }
        if let Some(parameters) = &it.type_parameters {
            self.blank(parameters.span);
        }
        self.visit_formal_parameters(&it.params);
        if let Some(returned) = &it.return_type {
            self.blank(returned.span);
        }
        if let Some(body) = &it.body {
            self.visit_function_body(body);
        }
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        match &it.return_type {
            // No line may end between the parameters and `=>`: the parenthesis moves behind the type.
            Some(returned) if self.text(returned.span).contains(is_line_end) => {
                let closing = it.params.span.end - 1;
                self.blank(Span::new(closing, closing + 1));
                self.blank_up_to(returned.span, ')');
            }
            Some(returned) => self.blank(returned.span),
            None => {}
        }
        if let Some(parameters) = &it.type_parameters {
            self.blank(parameters.span);
        }
        self.visit_formal_parameters(&it.params);
        self.visit_arrow_function_body(&it.body);
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        if it.declare {
            self.blank_whole(it.span);
            return;
        }
        if it.r#abstract {
            self.blank_words(it.span.start, it.body.span.start, &["abstract"]);
        }
        if let (Some(first), Some(last)) = (it.implements.first(), it.implements.last()) {
            let from = it.heritage.as_ref().map(|heritage| {
                heritage.type_arguments.as_ref().map_or(heritage.expression.span().end, |types| types.span.end)
            });
            let from = from.or_else(|| it.type_parameters.as_ref().map(|types| types.span.end));
            let from = from.or_else(|| it.id.as_ref().map(|id| id.span.end)).unwrap_or(it.span.start);
            self.blank_words(from, first.span.start, &["implements"]);
            self.blank(Span::new(first.span.start, last.span.end));
        }
        for decorator in &it.decorators {
            self.visit_decorator(decorator);
        }
        if let Some(parameters) = &it.type_parameters {
            self.blank(parameters.span);
        }
        if let Some(heritage) = &it.heritage {
            self.visit_class_heritage(heritage);
        }
        self.visit_class_body(&it.body);
    }

    fn visit_class_element(&mut self, it: &ClassElement<'a>) {
        match it {
            ClassElement::TSIndexSignature(signature) => self.blank_whole(signature.span),
            ClassElement::StaticBlock(_)
            | ClassElement::MethodDefinition(_)
            | ClassElement::PropertyDefinition(_)
            | ClassElement::AccessorProperty(_) => walk::walk_class_element(self, it),
        }
    }

    fn visit_accessor_property(&mut self, it: &AccessorProperty<'a>) {
        self.refuse(it.span, "`accessor` isn't supported; write a getter and a setter");
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        if it.r#type == MethodDefinitionType::TSAbstractMethodDefinition || it.value.body.is_none() {
            self.blank_whole(it.span);
            return;
        }
        self.modifiers(it.span, &it.key);
        if it.optional {
            self.blank_mark(it.key.span().end, '?');
        }
        walk::walk_method_definition(self, it);
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        if it.r#type == PropertyDefinitionType::TSAbstractPropertyDefinition || it.declare {
            self.blank_whole(it.span);
            return;
        }
        self.modifiers(it.span, &it.key);
        if it.optional {
            self.blank_mark(it.key.span().end, '?');
        }
        if it.definite {
            self.blank_mark(it.key.span().end, '!');
        }
        self.open_end(it.span);
        walk::walk_property_definition(self, it);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.import_kind == ImportOrExportKind::Type {
            self.blank_whole(it.span);
            return;
        }
        if let Some(clause) = &it.with_clause {
            self.refuse(clause.span, "import attributes aren't supported");
        }
        for specifier in it.specifiers.iter().flatten() {
            match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(specifier)
                    if specifier.import_kind == ImportOrExportKind::Type =>
                {
                    self.blank(specifier.span);
                    self.blank_comma(specifier.span.end);
                }
                ImportDeclarationSpecifier::ImportSpecifier(_)
                | ImportDeclarationSpecifier::ImportDefaultSpecifier(_)
                | ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {}
            }
        }
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        let is_type = match &it.declaration {
            Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => true,
            Declaration::TSEnumDeclaration(declared) => declared.declare,
            Declaration::TSNamespaceDeclaration(declared) => declared.declare,
            Declaration::VariableDeclaration(declared) => declared.declare,
            Declaration::FunctionDeclaration(declared) => declared.declare || declared.body.is_none(),
            Declaration::ClassDeclaration(declared) => declared.declare,
            Declaration::TSImportEqualsDeclaration(_) => false,
        };
        match is_type {
            true => self.blank_whole(it.span),
            false => walk::walk_export_declaration(self, it),
        }
    }

    fn visit_export_default_declaration(&mut self, it: &ExportDefaultDeclaration<'a>) {
        let is_type = match &it.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => true,
            ExportDefaultDeclarationKind::FunctionDeclaration(declared) => declared.body.is_none(),
            _ => false,
        };
        if is_type {
            self.blank_whole(it.span);
            return;
        }
        self.open_end(it.span);
        walk::walk_export_default_declaration(self, it);
    }

    fn visit_export_named_declaration(&mut self, it: &ExportNamedDeclaration<'a>) {
        if it.export_kind == ImportOrExportKind::Type {
            self.blank_whole(it.span);
            return;
        }
        for specifier in it.specifiers.iter().filter(|specifier| specifier.export_kind == ImportOrExportKind::Type) {
            self.blank(specifier.span);
            self.blank_comma(specifier.span.end);
        }
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        if it.export_kind == ImportOrExportKind::Type {
            self.blank_whole(it.span);
            return;
        }
        for specifier in it.specifiers.iter().filter(|specifier| specifier.export_kind == ImportOrExportKind::Type) {
            self.blank(specifier.span);
            self.blank_comma(specifier.span.end);
        }
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        if it.export_kind == ImportOrExportKind::Type {
            self.blank_whole(it.span);
        }
    }
}
