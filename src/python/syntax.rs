//! The part of Python's syntax that settings are written in, with byte spans. Pure data.
//!
//! Own types, so that nothing else depends on the parser in use (see [`super::parse`]).

use crate::edit::Span;

/// One parsed file.
#[derive(Debug)]
pub struct Module {
    /// The file's bytes; every span points into them.
    pub text: std::sync::Arc<[u8]>,
    /// The statements at module level, in order.
    pub body: Vec<Stmt>,
    /// What did not parse, in order. Statements that touch one are not to be trusted.
    pub errors: Vec<SyntaxError>,
    /// The text was not UTF-8: bytes ≥ 0x80 are masked in names and string values.
    pub masked: bool,
}

/// A part of the file that is not the Python 3 we know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// The parser's words.
    pub message: String,
}

/// A statement. Its span ends behind its last token: no comment, no newline.
#[derive(Clone, PartialEq, Debug)]
pub struct Stmt {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// The kinds of statements that can matter.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "each variant shows its fields in Python")]
pub enum StmtKind {
    /// `a = b = value`, and `a: T = value`.
    Assign {
        targets: Vec<Expr>,
        value: Expr,
        annotated: bool,
    },
    /// `target += value` (`add`), or with another operator.
    Augment {
        target: Expr,
        add: bool,
        value: Expr,
    },
    /// `a: T` without a value: binds nothing.
    Annotation { target: Expr },
    /// `import a.b as c, d`.
    Import { names: Vec<Alias> },
    /// `from ..module import a as b`; a star is the name `*`.
    ImportFrom {
        module: Option<String>,
        level: usize,
        names: Vec<Alias>,
    },
    /// `if`/`elif`/`else`, an arm each.
    If { arms: Vec<Arm> },
    /// `for` (with its target) and `while`.
    Loop {
        target: Option<Expr>,
        head: Expr,
        body: Vec<Stmt>,
        orelse: Vec<Stmt>,
    },
    /// `try` and its parts.
    Try {
        body: Vec<Stmt>,
        handlers: Vec<Handler>,
        orelse: Vec<Stmt>,
        finally: Vec<Stmt>,
    },
    /// `with`, with the names it binds.
    With {
        contexts: Vec<Expr>,
        targets: Vec<Expr>,
        body: Vec<Stmt>,
    },
    /// `match`: the bodies of its cases.
    Match {
        subject: Expr,
        bodies: Vec<Vec<Stmt>>,
    },
    /// `def`, plain or async.
    Function {
        name: Name,
        decorators: Vec<Expr>,
        body: Vec<Stmt>,
    },
    /// `class`, with its bases and keyword arguments.
    Class {
        name: Name,
        decorators: Vec<Expr>,
        bases: Vec<Expr>,
        keywords: Vec<Keyword>,
        body: Vec<Stmt>,
    },
    /// `del a, b`.
    Delete { targets: Vec<Expr> },
    /// `return value`.
    Return { value: Option<Expr> },
    /// `raise value from cause`.
    Raise { parts: Vec<Expr> },
    /// `global a` and `nonlocal a`.
    Global { names: Vec<String> },
    /// An expression for its effect; a docstring too.
    Expr { value: Expr },
    /// Any other, with the expressions in it.
    Other { parts: Vec<Expr> },
}

/// One arm of an `if`; `test` is `None` for `else`.
#[derive(Clone, PartialEq, Debug)]
pub struct Arm {
    /// The condition.
    pub test: Option<Expr>,
    /// Its statements.
    pub body: Vec<Stmt>,
}

/// One `except` clause.
#[derive(Clone, PartialEq, Debug)]
pub struct Handler {
    /// What it catches; `None` for a bare `except:`.
    pub catches: Option<Expr>,
    /// The name it binds.
    pub name: Option<String>,
    /// Its statements.
    pub body: Vec<Stmt>,
}

/// An identifier and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// Where.
    pub span: Span,
    /// The identifier.
    pub text: String,
}

/// One `name as alias` of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    /// Where the whole of it stands.
    pub span: Span,
    /// The dotted name imported, or `*`.
    pub name: String,
    /// The name given to it.
    pub alias: Option<String>,
}

impl Alias {
    /// The name that this binds in the importing scope (`import a.b` binds `a`).
    pub fn bound(&self) -> &str {
        self.alias
            .as_deref()
            .unwrap_or_else(|| self.name.split('.').next().unwrap_or_default())
    }
}

/// A keyword argument; `name` is `None` for `**value`.
#[derive(Clone, PartialEq, Debug)]
pub struct Keyword {
    /// Where the whole of it stands.
    pub span: Span,
    /// The keyword.
    pub name: Option<String>,
    /// The argument.
    pub value: Expr,
}

/// An expression. Its span leaves out parentheses around it, except a tuple's own.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// Which brackets hold a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// `(a, b)`.
    Tuple,
    /// `a, b` without brackets.
    BareTuple,
    /// `[a, b]`.
    List,
    /// `{a, b}`.
    Set,
}

/// The binary operators that matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `+`
    Add,
    /// `%`
    Modulo,
    /// `|`
    Or,
    /// Any other.
    Other,
}

/// The kinds of expressions that can matter.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "each variant shows its fields in Python")]
pub enum ExprKind {
    /// `name`
    Name(String),
    /// `'a' "b"`: pieces that Python joins.
    String(Vec<StringPiece>),
    /// A string with at least one f-string piece.
    FString(Vec<FStringPart>),
    /// `b'a'`
    Bytes,
    /// A number, by its text.
    Number(String),
    /// `True`, `False`
    Bool(bool),
    /// `None`
    None,
    /// `(a, b)`, `[a, b]`, `{a, b}`
    Sequence(Sequence, Vec<Expr>),
    /// `{k: v, **d}`; the key is `None` for `**d`
    Dict(Vec<(Option<Expr>, Expr)>),
    /// `function(args, name=value)`; `arguments` spans the parentheses
    Call {
        function: Box<Expr>,
        args: Vec<Expr>,
        keywords: Vec<Keyword>,
        arguments: Span,
    },
    /// `value.name`
    Attribute { value: Box<Expr>, name: Name },
    /// `value[index]`
    Subscript { value: Box<Expr>, index: Box<Expr> },
    /// `left + right`
    Binary {
        left: Box<Expr>,
        operator: Operator,
        right: Box<Expr>,
    },
    /// `a or b or c`
    Or(Vec<Expr>),
    /// `body if test else orelse`
    If {
        test: Box<Expr>,
        body: Box<Expr>,
        orelse: Box<Expr>,
    },
    /// `*value`
    Starred(Box<Expr>),
    /// `[e for …]`, `{e for …}`, `(e for …)`: what it is made of
    Comprehension { parts: Vec<Expr> },
    /// Any other: the expressions in it
    Other { parts: Vec<Expr> },
}

/// One literal piece of a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StringPiece {
    /// The piece with prefix and quotes.
    pub span: Span,
    /// What is between the quotes.
    pub content: Span,
    /// The value: escapes resolved.
    pub value: String,
    /// The content's bytes are the value: no escape in it, or raw.
    pub verbatim: bool,
}

/// A part of an f-string expression.
#[derive(Clone, PartialEq, Debug)]
pub enum FStringPart {
    /// Literal text (of an f-string or of a plain string beside it).
    Literal {
        /// Its bytes.
        span: Span,
        /// Its value.
        value: String,
        /// The bytes are the value: no escape and no doubled brace in it.
        verbatim: bool,
    },
    /// `{value}`, bare; with a conversion or format spec the value is `Other`.
    Value(Box<Expr>),
}

impl Expr {
    /// The dotted name this expression spells: `os.environ.get` or `name`.
    pub fn dotted(&self) -> Option<String> {
        match &self.kind {
            ExprKind::Name(name) => Some(name.clone()),
            ExprKind::Attribute { value, name } => {
                Some(format!("{}.{}", value.dotted()?, name.text))
            }
            _ => None,
        }
    }

    /// The name, if it is a bare one.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The value of a plain string literal, its pieces joined.
    pub fn string(&self) -> Option<String> {
        match &self.kind {
            ExprKind::String(pieces) => {
                Some(pieces.iter().map(|piece| piece.value.as_str()).collect())
            }
            _ => None,
        }
    }

    /// The expressions directly inside this one.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Name(_)
            | ExprKind::String(_)
            | ExprKind::Bytes
            | ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::None => Vec::new(),
            ExprKind::FString(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    FStringPart::Literal { .. } => None,
                    FStringPart::Value(value) => Some(&**value),
                })
                .collect(),
            ExprKind::Sequence(_, items)
            | ExprKind::Or(items)
            | ExprKind::Comprehension { parts: items }
            | ExprKind::Other { parts: items } => items.iter().collect(),
            ExprKind::Dict(items) => items
                .iter()
                .flat_map(|(key, value)| key.iter().chain([value]))
                .collect(),
            ExprKind::Call {
                function,
                args,
                keywords,
                ..
            } => [&**function]
                .into_iter()
                .chain(args)
                .chain(keywords.iter().map(|keyword| &keyword.value))
                .collect(),
            ExprKind::Attribute { value, .. } | ExprKind::Starred(value) => vec![value],
            ExprKind::Subscript { value, index } => vec![value, index],
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::If { test, body, orelse } => vec![body, test, orelse],
        }
    }

    /// This expression and every one inside it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}

impl Stmt {
    /// The blocks of statements directly inside this one, in order.
    pub fn blocks(&self) -> Vec<&[Stmt]> {
        match &self.kind {
            StmtKind::If { arms } => arms.iter().map(|arm| arm.body.as_slice()).collect(),
            StmtKind::Loop { body, orelse, .. } => vec![body, orelse],
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finally,
            } => {
                let mut blocks = vec![body.as_slice()];
                blocks.extend(handlers.iter().map(|handler| handler.body.as_slice()));
                blocks.extend([orelse.as_slice(), finally.as_slice()]);
                blocks
            }
            StmtKind::With { body, .. }
            | StmtKind::Function { body, .. }
            | StmtKind::Class { body, .. } => vec![body],
            StmtKind::Match { bodies, .. } => bodies.iter().map(Vec::as_slice).collect(),
            StmtKind::Assign { .. }
            | StmtKind::Augment { .. }
            | StmtKind::Annotation { .. }
            | StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Delete { .. }
            | StmtKind::Return { .. }
            | StmtKind::Raise { .. }
            | StmtKind::Global { .. }
            | StmtKind::Expr { .. }
            | StmtKind::Other { .. } => Vec::new(),
        }
    }

    /// The expressions directly in this statement, not those of statements inside it.
    pub fn expressions(&self) -> Vec<&Expr> {
        match &self.kind {
            StmtKind::Assign { targets, value, .. } => targets.iter().chain([value]).collect(),
            StmtKind::Augment { target, value, .. } => vec![target, value],
            StmtKind::Annotation { target } => vec![target],
            StmtKind::Import { .. } | StmtKind::ImportFrom { .. } | StmtKind::Global { .. } => {
                Vec::new()
            }
            StmtKind::If { arms } => arms.iter().filter_map(|arm| arm.test.as_ref()).collect(),
            StmtKind::Loop { target, head, .. } => target.iter().chain([head]).collect(),
            StmtKind::Try { handlers, .. } => handlers
                .iter()
                .filter_map(|handler| handler.catches.as_ref())
                .collect(),
            StmtKind::With {
                contexts, targets, ..
            } => contexts.iter().chain(targets).collect(),
            StmtKind::Match { subject, .. } => vec![subject],
            StmtKind::Function { decorators, .. } => decorators.iter().collect(),
            StmtKind::Class {
                decorators,
                bases,
                keywords,
                ..
            } => decorators
                .iter()
                .chain(bases)
                .chain(keywords.iter().map(|keyword| &keyword.value))
                .collect(),
            StmtKind::Delete { targets } => targets.iter().collect(),
            StmtKind::Return { value } => value.iter().collect(),
            StmtKind::Expr { value } => vec![value],
            StmtKind::Raise { parts } | StmtKind::Other { parts } => parts.iter().collect(),
        }
    }
}

/// The functions and classes that a place is in, outermost first.
pub fn scopes_around(block: &[Stmt], at: usize) -> Vec<&Stmt> {
    let mut found = Vec::new();
    walk(block, &mut |stmt| {
        let is_scope = matches!(
            stmt.kind,
            StmtKind::Function { .. } | StmtKind::Class { .. }
        );
        if is_scope && stmt.span.start <= at && at < stmt.span.end {
            found.push(stmt);
        }
    });
    found
}

/// Visits every statement of a block and of the blocks inside, in text order.
pub fn walk<'a>(block: &'a [Stmt], visit: &mut dyn FnMut(&'a Stmt)) {
    for stmt in block {
        visit(stmt);
        for inner in stmt.blocks() {
            walk(inner, visit);
        }
    }
}
