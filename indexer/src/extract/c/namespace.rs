//! What only C++ has: namespaces, `using`, templates, lambdas, constructors' initialisers, loops over ranges.

use kotadb_core::facts::{Flags, Import, Role, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Family, Field, Kind, Later, Open, Walk};
use crate::extract::expression::{type_text, with};
use crate::extract::text::{span, to_span};
use crate::extract::walk;

/// Whether a text that is C by its name is C++: some line begins as none of C does.
pub(super) fn is_plus(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'\n').any(|line| begins_plus(line.trim_ascii()))
}

/// `template <`, `public:`, `namespace a {`, `class A : …`. In C these words may be names of variables.
fn begins_plus(line: &[u8]) -> bool {
    const SIGNS: [&[u8]; 6] =
        [b"template <", b"template<", b"using namespace ", b"public:", b"private:", b"protected:"];
    if SIGNS.iter().any(|sign| line.starts_with(sign)) {
        return true;
    }
    let Some(rest) = line.strip_prefix(b"class ").or_else(|| line.strip_prefix(b"namespace ")) else { return false };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b':');
    let name = rest.iter().take_while(|byte| is_name(byte)).count();
    let is_closed = rest[name..].starts_with(b"{") || rest[name..].starts_with(b";");
    rest.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_') && is_closed
}

impl<'t> Family<'t> {
    /// `namespace a::b { … }`: each name is a symbol.
    pub(super) fn namespace(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        let mut names = Vec::new();
        name.into_iter().for_each(|name| self.namespace_names(name, &mut names));
        for (at, name) in names.iter().enumerate() {
            let start = if at == 0 { node.start_byte() } else { name.start_byte() };
            let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
            let mut symbol = Symbol::new(SymbolKind::Module);
            (symbol.name, symbol.name_span) = (self.text.of(*name).into(), span(*name));
            (symbol.range, symbol.signature) = (to_span(start, node.end_byte()), self.text.signature(start, body));
            symbol.doc = self.text.comment_above(start, COMMENTS);
            symbol.flags = Flags::EXPORTED;
            self.facts.symbol(symbol);
        }
        self.open.push(Open::Namespace { is_hidden: name.is_none() });
        walk.then(self.field(node, Field::Body));
        walk.later(Later::CloseRecord);
    }

    fn namespace_names(&self, node: Node<'t>, names: &mut Vec<Node<'t>>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::NestedNamespaceSpecifier => open.extend(walk::named_children(node).into_iter().rev()),
                Kind::NamespaceIdentifier | Kind::Identifier => names.push(node),
                _ => {}
            }
        }
    }

    /// `namespace fs = std::filesystem;`.
    pub(super) fn namespace_alias(&mut self, node: Node<'t>) {
        let parts = walk::named_children(node);
        let [alias, .., module] = parts[..] else { return };
        let (alias, start) = (Some(self.text.of(alias).into()), span(module).start);
        let module = type_text(self.text.of(module), &[], &[]);
        self.facts.import(Import { module, alias, start, ..Import::default() });
    }

    /// `using namespace a;`, `using a::b;`.
    pub(super) fn using(&mut self, node: Node<'t>) {
        let Some(target) = node.named_child(0) else { return };
        let is_whole = walk::children(node).iter().any(|child| self.kind(*child) == Kind::NamespaceWord);
        let text = type_text(self.text.of(target), &[], &[]);
        let (module, name) = match text.rsplit_once("::") {
            _ if is_whole => (&*text, "*"),
            Some(parts) => parts,
            None => return,
        };
        let start = span(target).start;
        self.facts.import(Import { module: module.into(), name: Some(name.into()), start, ..Import::default() });
    }

    /// `using A = B<C>;`.
    pub(super) fn alias(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        let start = self.template.take().unwrap_or(node.start_byte());
        if let Some(name) = name.filter(|_| !self.is_local()) {
            let mut symbol = Symbol::new(SymbolKind::TypeAlias);
            (symbol.name, symbol.name_span) = (self.text.of(name).into(), span(name));
            symbol.range = to_span(start, node.end_byte());
            symbol.signature = self.text.signature(node.start_byte(), node.end_byte());
            symbol.doc = self.text.comment_above(start, COMMENTS);
            symbol.of_type = of.and_then(|of| self.type_if_named(of));
            symbol.flags = self.visible(&self.head(node));
            self.facts.symbol(symbol);
        }
        walk.then(of);
    }

    /// `template <…>`: its parameters are local names of what follows.
    pub(super) fn template(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parameters = self.field(node, Field::Parameters);
        self.scopes.enter();
        for parameter in parameters.map(walk::named_children).unwrap_or_default() {
            if let Some(name) = self.template_parameter(parameter) {
                self.scopes.bind(self.text.of(name), self.unknown.clone());
            }
        }
        walk.children(node);
        walk.later(Later::CloseTemplate);
        self.template = Some(self.template.unwrap_or(node.start_byte()));
    }

    fn template_parameter(&self, parameter: Node<'t>) -> Option<Node<'t>> {
        let mut parameter = parameter;
        while self.kind(parameter) == Kind::TemplateTemplateParameter {
            parameter = walk::named_children(parameter).into_iter().next_back()?;
        }
        match self.kind(parameter) {
            Kind::TypeParameterDeclaration | Kind::VariadicTypeParameterDeclaration => parameter.named_child(0),
            Kind::OptionalTypeParameterDeclaration => self.field(parameter, Field::Name),
            _ => self.declared(self.field(parameter, Field::Declarator)?).map(|found| found.name),
        }
    }

    /// `concept Small = …`.
    pub(super) fn concept(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let start = self.template.take().unwrap_or(node.start_byte());
        let name = self.field(node, Field::Name);
        if let Some(name) = name {
            let mut symbol = Symbol::new(SymbolKind::Interface);
            (symbol.name, symbol.name_span) = (self.text.of(name).into(), span(name));
            symbol.range = to_span(start, node.end_byte());
            symbol.signature = self.text.first_row(node);
            symbol.doc = self.text.comment_above(start, COMMENTS);
            symbol.flags = Flags::EXPORTED;
            self.facts.symbol(symbol);
        }
        walk.children_but(node, name);
    }

    /// `new T(1)`.
    pub(super) fn new_instance(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let made = self.field(node, Field::TypeOf);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        if let Some(made) = made
            && !self.makes(made, n_arguments, walk)
        {
            walk.then(made);
        }
        walk.children_but(node, made);
    }

    /// `: Base(1), size_(n)`: a base is made, a member is written.
    pub(super) fn field_initializer(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let first = node.named_child(0);
        match first.map(|name| (name, self.kind(name))) {
            Some((name, Kind::FieldIdentifier)) => {
                let text = self.text.of(name);
                let is_type = text.starts_with(|c: char| c.is_uppercase());
                match node.named_child(1).filter(|_| is_type) {
                    Some(arguments) => self.refer(text, name, Role::New, None, self.n_arguments(arguments)),
                    None => self.facts.mention(text, name, Role::Write, Some("this".into())),
                }
            }
            _ => walk.then(first),
        }
        walk.children_but(node, first);
    }

    /// `for (auto& x : xs)`.
    pub(super) fn range_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (declarator, right) = (self.field(node, Field::Declarator), self.field(node, Field::Right));
        let type_of = self.field(node, Field::TypeOf);
        let each = right.map_or_else(crate::extract::expression::unknown, |right| with(&self.expression(right), "[]"));
        let known = type_of.and_then(|it| self.known_type(it)).unwrap_or_else(|| each.into());
        self.scopes.enter();
        walk.then(self.field(node, Field::Initializer));
        walk.then(type_of);
        walk.then(right);
        if let Some(found) = declarator.and_then(|it| self.declared(it)) {
            self.bind(found.name, known, false);
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    pub(super) fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.bind_parameters(node);
        walk.children(node);
        walk.later(Later::Leave);
    }

    /// `[x = f()](int y) { … }`.
    pub(super) fn lambda(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.open.push(Open::Function);
        walk.then(self.field(node, Field::Captures));
        if let Some(declarator) = self.field(node, Field::Declarator) {
            self.bind_parameters(declarator);
            self.declarator_uses(declarator, walk);
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Close);
    }

    pub(super) fn capture(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, value) = (self.field(node, Field::Left), self.field(node, Field::Right));
        if let (Some(name), Some(value)) = (name, value) {
            let known = self.expression(value);
            self.scopes.bind(self.text.of(name), known);
        }
        walk.then(value);
    }
}
