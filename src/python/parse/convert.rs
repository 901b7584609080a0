//! The parser's tree to ours. Drops what no rule asks about; keeps every span.

use std::sync::Arc;

use ruff_python_ast::{self as ast, InterpolatedStringElement};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange};

use crate::edit::Span;
use crate::python::syntax::{
    Alias, Arm, Expr, ExprKind, FStringPart, Handler, Keyword, Module, Name, Operator, Sequence,
    Stmt, StmtKind, StringPiece, SyntaxError,
};

pub(super) fn module(parsed: &Parsed<ast::ModModule>, text: &Arc<[u8]>, masked: bool) -> Module {
    let from = Convert { text };
    let errors = parsed.errors().iter().map(|error| SyntaxError {
        span: span(error.location),
        message: error.error.to_string(),
    });
    Module {
        body: from.block(&parsed.syntax().body),
        errors: errors.collect(),
        masked,
        text: Arc::clone(text),
    }
}

struct Convert<'a> {
    text: &'a [u8],
}

fn span(range: TextRange) -> Span {
    Span::new(range.start().to_usize(), range.end().to_usize())
}

fn name(identifier: &ast::Identifier) -> Name {
    Name {
        span: span(identifier.range),
        text: identifier.id.to_string(),
    }
}

fn aliases(names: &[ast::Alias]) -> Vec<Alias> {
    let alias = |alias: &ast::Alias| Alias {
        span: span(alias.range),
        name: alias.name.id.to_string(),
        alias: alias.asname.as_ref().map(|name| name.id.to_string()),
    };
    names.iter().map(alias).collect()
}

impl Convert<'_> {
    fn block(&self, block: &[ast::Stmt]) -> Vec<Stmt> {
        block.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&self, stmt: &ast::Stmt) -> Stmt {
        Stmt {
            span: span(stmt.range()),
            kind: self.simple(stmt).unwrap_or_else(|| self.compound(stmt)),
        }
    }

    fn simple(&self, stmt: &ast::Stmt) -> Option<StmtKind> {
        let kind = match stmt {
            ast::Stmt::Assign(stmt) => StmtKind::Assign {
                targets: self.exprs(&stmt.targets),
                value: self.expr(&stmt.value),
                annotated: false,
            },
            ast::Stmt::AnnAssign(stmt) => self.annotated(stmt),
            ast::Stmt::AugAssign(stmt) => StmtKind::Augment {
                target: self.expr(&stmt.target),
                add: stmt.op == ast::Operator::Add,
                value: self.expr(&stmt.value),
            },
            ast::Stmt::Import(stmt) => StmtKind::Import {
                names: aliases(&stmt.names),
            },
            ast::Stmt::ImportFrom(stmt) => StmtKind::ImportFrom {
                module: stmt.module.as_ref().map(|module| module.id.to_string()),
                level: stmt.level as usize,
                names: aliases(&stmt.names),
            },
            ast::Stmt::Delete(stmt) => StmtKind::Delete {
                targets: self.exprs(&stmt.targets),
            },
            ast::Stmt::Return(stmt) => StmtKind::Return {
                value: stmt.value.as_deref().map(|value| self.expr(value)),
            },
            ast::Stmt::Global(ast::StmtGlobal { names, .. })
            | ast::Stmt::Nonlocal(ast::StmtNonlocal { names, .. }) => StmtKind::Global {
                names: names.iter().map(|name| name.id.to_string()).collect(),
            },
            ast::Stmt::Expr(stmt) => StmtKind::Expr {
                value: self.expr(&stmt.value),
            },
            ast::Stmt::Raise(stmt) => StmtKind::Raise {
                parts: self.options([stmt.exc.as_deref(), stmt.cause.as_deref()]),
            },
            ast::Stmt::Assert(stmt) => StmtKind::Other {
                parts: self.options([Some(&*stmt.test), stmt.msg.as_deref()]),
            },
            _ => return None,
        };
        Some(kind)
    }

    fn annotated(&self, stmt: &ast::StmtAnnAssign) -> StmtKind {
        let target = self.expr(&stmt.target);
        match &stmt.value {
            Some(value) => StmtKind::Assign {
                targets: vec![target],
                value: self.expr(value),
                annotated: true,
            },
            None => StmtKind::Annotation { target },
        }
    }

    fn compound(&self, stmt: &ast::Stmt) -> StmtKind {
        match stmt {
            ast::Stmt::If(stmt) => StmtKind::If {
                arms: self.arms(stmt),
            },
            ast::Stmt::For(stmt) => StmtKind::Loop {
                target: Some(self.expr(&stmt.target)),
                head: self.expr(&stmt.iter),
                body: self.block(&stmt.body),
                orelse: self.block(&stmt.orelse),
            },
            ast::Stmt::While(stmt) => StmtKind::Loop {
                target: None,
                head: self.expr(&stmt.test),
                body: self.block(&stmt.body),
                orelse: self.block(&stmt.orelse),
            },
            ast::Stmt::Try(stmt) => StmtKind::Try {
                body: self.block(&stmt.body),
                handlers: stmt
                    .handlers
                    .iter()
                    .map(|handler| self.handler(handler))
                    .collect(),
                orelse: self.block(&stmt.orelse),
                finally: self.block(&stmt.finalbody),
            },
            ast::Stmt::With(stmt) => StmtKind::With {
                contexts: stmt
                    .items
                    .iter()
                    .map(|item| self.expr(&item.context_expr))
                    .collect(),
                targets: self.options(stmt.items.iter().map(|item| item.optional_vars.as_deref())),
                body: self.block(&stmt.body),
            },
            ast::Stmt::Match(stmt) => StmtKind::Match {
                subject: self.expr(&stmt.subject),
                bodies: stmt
                    .cases
                    .iter()
                    .map(|case| self.block(&case.body))
                    .collect(),
            },
            ast::Stmt::FunctionDef(stmt) => StmtKind::Function {
                name: name(&stmt.name),
                decorators: self.decorators(&stmt.decorator_list),
                body: self.block(&stmt.body),
            },
            ast::Stmt::ClassDef(stmt) => StmtKind::Class {
                name: name(&stmt.name),
                decorators: self.decorators(&stmt.decorator_list),
                bases: self.exprs(stmt.bases()),
                keywords: self.keywords(stmt.keywords()),
                body: self.block(&stmt.body),
            },
            _ => StmtKind::Other { parts: Vec::new() },
        }
    }

    fn arms(&self, stmt: &ast::StmtIf) -> Vec<Arm> {
        let first = Arm {
            test: Some(self.expr(&stmt.test)),
            body: self.block(&stmt.body),
        };
        let rest = stmt.elif_else_clauses.iter().map(|clause| Arm {
            test: clause.test.as_ref().map(|test| self.expr(test)),
            body: self.block(&clause.body),
        });
        [first].into_iter().chain(rest).collect()
    }

    fn handler(&self, handler: &ast::ExceptHandler) -> Handler {
        let ast::ExceptHandler::ExceptHandler(handler) = handler;
        Handler {
            catches: handler.type_.as_deref().map(|catches| self.expr(catches)),
            name: handler.name.as_ref().map(|name| name.id.to_string()),
            body: self.block(&handler.body),
        }
    }

    fn decorators(&self, decorators: &[ast::Decorator]) -> Vec<Expr> {
        decorators
            .iter()
            .map(|decorator| self.expr(&decorator.expression))
            .collect()
    }

    fn keywords(&self, keywords: &[ast::Keyword]) -> Vec<Keyword> {
        let keyword = |keyword: &ast::Keyword| Keyword {
            span: span(keyword.range),
            name: keyword.arg.as_ref().map(|name| name.id.to_string()),
            value: self.expr(&keyword.value),
        };
        keywords.iter().map(keyword).collect()
    }

    fn exprs(&self, exprs: &[ast::Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn options<'e>(&self, exprs: impl IntoIterator<Item = Option<&'e ast::Expr>>) -> Vec<Expr> {
        exprs
            .into_iter()
            .flatten()
            .map(|expr| self.expr(expr))
            .collect()
    }

    fn boxed(&self, expr: &ast::Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn expr(&self, expr: &ast::Expr) -> Expr {
        let kind = self
            .literal(expr)
            .or_else(|| self.display(expr))
            .unwrap_or_else(|| self.operation(expr));
        Expr {
            span: span(expr.range()),
            kind,
        }
    }

    fn literal(&self, expr: &ast::Expr) -> Option<ExprKind> {
        let kind = match expr {
            ast::Expr::Name(expr) => ExprKind::Name(expr.id.to_string()),
            ast::Expr::StringLiteral(expr) => {
                ExprKind::String(expr.value.iter().map(|piece| self.piece(piece)).collect())
            }
            ast::Expr::FString(expr) => ExprKind::FString(self.f_string(&expr.value)),
            ast::Expr::BytesLiteral(_) => ExprKind::Bytes,
            ast::Expr::NumberLiteral(expr) => {
                let text = span(expr.range).of(self.text);
                ExprKind::Number(String::from_utf8_lossy(text).into_owned())
            }
            ast::Expr::BooleanLiteral(expr) => ExprKind::Bool(expr.value),
            ast::Expr::NoneLiteral(_) => ExprKind::None,
            _ => return None,
        };
        Some(kind)
    }

    fn display(&self, expr: &ast::Expr) -> Option<ExprKind> {
        let kind = match expr {
            ast::Expr::Tuple(expr) if expr.parenthesized => {
                ExprKind::Sequence(Sequence::Tuple, self.exprs(&expr.elts))
            }
            ast::Expr::Tuple(expr) => {
                ExprKind::Sequence(Sequence::BareTuple, self.exprs(&expr.elts))
            }
            ast::Expr::List(expr) => ExprKind::Sequence(Sequence::List, self.exprs(&expr.elts)),
            ast::Expr::Set(expr) => ExprKind::Sequence(Sequence::Set, self.exprs(&expr.elts)),
            ast::Expr::Dict(expr) => ExprKind::Dict(
                expr.items
                    .iter()
                    .map(|item| {
                        (
                            item.key.as_ref().map(|key| self.expr(key)),
                            self.expr(&item.value),
                        )
                    })
                    .collect(),
            ),
            ast::Expr::ListComp(ast::ExprListComp {
                elt, generators, ..
            })
            | ast::Expr::SetComp(ast::ExprSetComp {
                elt, generators, ..
            })
            | ast::Expr::Generator(ast::ExprGenerator {
                elt, generators, ..
            }) => ExprKind::Comprehension {
                parts: self.comprehension([Some(&**elt), None], generators),
            },
            ast::Expr::DictComp(expr) => ExprKind::Other {
                parts: self
                    .comprehension([expr.key.as_deref(), Some(&*expr.value)], &expr.generators),
            },
            _ => return None,
        };
        Some(kind)
    }

    fn comprehension(
        &self,
        elements: [Option<&ast::Expr>; 2],
        generators: &[ast::Comprehension],
    ) -> Vec<Expr> {
        let sources = generators.iter().map(|generator| Some(&generator.iter));
        self.options(elements.into_iter().chain(sources))
    }

    fn operation(&self, expr: &ast::Expr) -> ExprKind {
        match expr {
            ast::Expr::Call(expr) => ExprKind::Call {
                function: self.boxed(&expr.func),
                args: self.exprs(&expr.arguments.args),
                keywords: self.keywords(&expr.arguments.keywords),
                arguments: span(expr.arguments.range),
            },
            ast::Expr::Attribute(expr) => ExprKind::Attribute {
                value: self.boxed(&expr.value),
                name: name(&expr.attr),
            },
            ast::Expr::Subscript(expr) => ExprKind::Subscript {
                value: self.boxed(&expr.value),
                index: self.boxed(&expr.slice),
            },
            ast::Expr::BinOp(expr) => ExprKind::Binary {
                left: self.boxed(&expr.left),
                operator: match expr.op {
                    ast::Operator::Add => Operator::Add,
                    ast::Operator::Mod => Operator::Modulo,
                    ast::Operator::BitOr => Operator::Or,
                    _ => Operator::Other,
                },
                right: self.boxed(&expr.right),
            },
            ast::Expr::BoolOp(expr) if expr.op == ast::BoolOp::Or => {
                ExprKind::Or(self.exprs(&expr.values))
            }
            ast::Expr::If(expr) => ExprKind::If {
                test: self.boxed(&expr.test),
                body: self.boxed(&expr.body),
                orelse: self.boxed(&expr.orelse),
            },
            ast::Expr::Starred(expr) => ExprKind::Starred(self.boxed(&expr.value)),
            expr => ExprKind::Other {
                parts: self.parts(expr),
            },
        }
    }

    fn parts(&self, expr: &ast::Expr) -> Vec<Expr> {
        match expr {
            ast::Expr::BoolOp(expr) => self.exprs(&expr.values),
            ast::Expr::Named(expr) => self.exprs(&[(*expr.target).clone(), (*expr.value).clone()]),
            ast::Expr::UnaryOp(expr) => vec![self.expr(&expr.operand)],
            ast::Expr::Lambda(expr) => vec![self.expr(&expr.body)],
            ast::Expr::Await(expr) => vec![self.expr(&expr.value)],
            ast::Expr::Yield(expr) => self.options([expr.value.as_deref()]),
            ast::Expr::YieldFrom(expr) => vec![self.expr(&expr.value)],
            ast::Expr::Compare(expr) => self.options(
                [Some(&*expr.left)]
                    .into_iter()
                    .chain(expr.comparators.iter().map(Some)),
            ),
            ast::Expr::Slice(expr) => self.options([
                expr.lower.as_deref(),
                expr.upper.as_deref(),
                expr.step.as_deref(),
            ]),
            _ => Vec::new(),
        }
    }

    fn piece(&self, piece: &ast::StringLiteral) -> StringPiece {
        let whole = span(piece.range);
        // An invalid literal (unclosed, in a statement with an error) has no content to speak of.
        let content = if piece.flags.is_invalid() {
            whole
        } else {
            span(piece.content_range())
        };
        StringPiece {
            span: whole,
            content,
            value: piece.value.to_string(),
            verbatim: content.of(self.text) == piece.value.as_bytes(),
        }
    }

    fn f_string(&self, value: &ast::FStringValue) -> Vec<FStringPart> {
        let mut parts = Vec::new();
        for part in value.as_slice() {
            match part {
                ast::FStringPart::Literal(literal) => {
                    let StringPiece {
                        content,
                        value,
                        verbatim,
                        ..
                    } = self.piece(literal);
                    parts.push(FStringPart::Literal {
                        span: content,
                        value,
                        verbatim,
                    });
                }
                ast::FStringPart::FString(f_string) => {
                    parts.extend(
                        f_string
                            .elements
                            .iter()
                            .map(|element| self.element(element)),
                    );
                }
            }
        }
        parts
    }

    fn element(&self, element: &InterpolatedStringElement) -> FStringPart {
        match element {
            InterpolatedStringElement::Literal(literal) => {
                let span = span(literal.range);
                FStringPart::Literal {
                    span,
                    value: literal.value.to_string(),
                    verbatim: span.of(self.text) == literal.value.as_bytes(),
                }
            }
            InterpolatedStringElement::Interpolation(element) => {
                let value = self.expr(&element.expression);
                let bare = element.conversion == ast::ConversionFlag::None
                    && element.format_spec.is_none()
                    && element.debug_text.is_none();
                let value = if bare {
                    value
                } else {
                    Expr {
                        span: value.span,
                        kind: ExprKind::Other { parts: vec![value] },
                    }
                };
                FStringPart::Value(Box::new(value))
            }
        }
    }
}
