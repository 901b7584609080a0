//! Findings for a person, as rustc shows them: the line underlined, and what to do about it.

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use annotate_snippets::{
    AnnotationKind, Element, Group, Level as Heading, Origin, Renderer, Snippet,
};

use super::human::{BOLD, Detail, MARGIN};
use super::source::{lines, masked, position};
use super::{Outcome, Status, level_name};
use crate::finding::{Finding, Level, Place};

/// The findings alone, rendered as rustc's, worst first. Where we refuse, notes on what we would have done
/// only hide why.
pub fn findings(outcome: &Outcome, detail: Detail) -> String {
    let least = match detail {
        Detail::Quiet => Level::Error,
        Detail::Normal if outcome.status == Status::Refused => Level::Warning,
        Detail::Normal | Detail::Verbose => Level::Note,
    };
    let shown = |finding: &&Finding| finding.level <= least;
    let findings = outcome.plan.findings.iter().filter(shown);
    let rendered: Vec<String> = findings.map(|it| finding(outcome, it) + "\n").collect();
    rendered.join("\n")
}

const BLUE: Style = AnsiColor::BrightBlue.on_default().effects(Effects::BOLD);
/// More places than this are counted, not listed.
const PLACES: usize = 8;

fn finding(outcome: &Outcome, finding: &Finding) -> String {
    let Finding {
        code,
        level,
        message,
        places,
        label,
        help,
    } = finding;
    let mut elements: Vec<Element> = Vec::new();
    for (index, place) in places.iter().take(PLACES).enumerate() {
        let underlined = (index == 0).then(|| underlined(outcome, place, label.as_deref()));
        elements.push(
            underlined
                .flatten()
                .unwrap_or_else(|| origin(outcome, place)),
        );
    }
    if places.len() > PLACES {
        let more = format!("and {} more places", places.len() - PLACES);
        elements.push(Heading::NOTE.message(more).into());
    }
    let help = outcome.helps(help).into_iter();
    let title = heading(*level).primary_title(masked(message)).id(*code);
    let renderer = Renderer::styled().term_width(MARGIN);
    let Some(place) = places.first() else {
        let title = renderer.render(&[Group::with_title(title)]);
        let help = help.map(|help| {
            let help = help.replace('\n', "\n          ");
            format!("\n  {BLUE}={BLUE:#} {BOLD}help{BOLD:#}: {help}")
        });
        return title + &help.collect::<String>();
    };
    elements.extend(help.map(|help| Heading::HELP.message(help).into()));
    let text = renderer.render(&[Group::with_title(title).elements(elements)]);
    with_true_column(text, outcome, place)
}

/// Masking moves what stands behind a password, and the renderer counts columns in what it shows.
fn with_true_column(text: String, outcome: &Outcome, place: &Place) -> String {
    let Some((span, file)) = place.span.zip(outcome.tree.bytes(&place.path)) else {
        return text;
    };
    let lines = lines(&file, span);
    let (_, shown) = position(lines.text.as_bytes(), lines.span.start);
    let (line, column) = position(&file, span.start);
    let path = outcome.shown(&place.path);
    text.replacen(
        &format!("{path}:{line}:{shown}"),
        &format!("{path}:{line}:{column}"),
        1,
    )
}

fn origin<'a>(outcome: &Outcome, place: &Place) -> Element<'a> {
    let origin = Origin::path(outcome.shown(&place.path));
    match place.span.zip(outcome.tree.bytes(&place.path)) {
        Some((span, file)) => {
            let (line, column) = position(&file, span.start);
            origin.line(line).char_column(column).into()
        }
        None => origin.into(),
    }
}

fn underlined<'a>(outcome: &Outcome, place: &Place, label: Option<&str>) -> Option<Element<'a>> {
    let lines = lines(&outcome.tree.bytes(&place.path)?, place.span?);
    let underline = AnnotationKind::Primary
        .span(lines.span)
        .label(label.map(masked));
    Some(
        Snippet::source(lines.text)
            .path(outcome.shown(&place.path))
            .line_start(lines.first)
            .annotation(underline)
            .into(),
    )
}

fn heading(level: Level) -> Heading<'static> {
    match level {
        Level::Refusal => Heading::ERROR.with_name(level_name(level)),
        Level::Error => Heading::ERROR,
        Level::Warning => Heading::WARNING,
        Level::Note => Heading::NOTE,
    }
}
