//! A view as it is drawn.

use super::keys::{HELP, Look};
use crate::view::{Finding, State, View};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Paragraph, Row, Sparkline, Table, TableState, Wrap},
};

/// Lines for the workers, at most.
const MOST_WORKERS: usize = 8;

/// Lines for what is wrong with the run, at most.
const MOST_PROBLEMS: usize = 3;

/// Draws a view.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, look: Look) {
    let workers = view.workers.len().min(MOST_WORKERS);
    let problems = view.problems.len().min(MOST_PROBLEMS);
    let [head, rate, figures, working, wrong, middle, help] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(4),
        Constraint::Length(figure_lines(view, frame.area().width)),
        Constraint::Length(if workers == 0 { 0 } else { workers as u16 + 2 }),
        Constraint::Length(problems as u16),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, view, head);
    draw_rate(frame, view, rate);
    frame.render_widget(Paragraph::new(figures_line(view)).wrap(Wrap { trim: true }), figures);
    if workers > 0 {
        draw_workers(frame, view, working);
    }
    let newest = view.problems.iter().rev().take(MOST_PROBLEMS);
    let problems: Vec<Line<'_>> = newest.map(|text| Line::from(text.as_str()).red()).collect();
    frame.render_widget(Paragraph::new(problems), wrong);
    draw_middle(frame, view, look, middle);
    frame.render_widget(Line::from(HELP).dim(), help);
}

fn draw_head(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let color = match view.state {
        State::Running => Color::Green,
        State::Paused | State::Stopping => Color::Yellow,
        State::Finished => Color::Blue,
    };
    let seconds = view.seconds as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let of = view.of.map_or_else(String::new, |of| format!(" of {of}"));
    let title = Line::from(vec![
        Span::from(format!("lockstep {} ", view.command)).bold(),
        Span::from(view.state.name()).fg(color).bold(),
        Span::from(format!("  {hours:02}:{minutes:02}:{rest:02}  {}{of} {}", view.done, view.unit)),
    ]);
    frame.render_widget(Paragraph::new(vec![title, Line::from(view.about.as_str()).dim()]), area);
}

fn draw_rate(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let mut rates: Vec<u64> = view.rates.iter().rev().take(width).map(|rate| rate as u64).collect();
    rates.reverse();
    let now = rates.last().copied().unwrap_or_default();
    let block = Block::bordered().title(format!("{now} {} in the last second", view.unit));
    frame.render_widget(Sparkline::default().data(&rates).block(block), area);
}

/// Figures and what was reached, as running text.
fn figures_line(view: &View) -> Line<'_> {
    let tiles = view.tiles.iter().flat_map(|tile| {
        [Span::from(tile.value.as_str()).bold(), Span::from(format!(" {}   ", tile.name)).dim()]
    });
    let coverage = view.coverage.iter().flat_map(|coverage| {
        let reached = format!("{} of {}", coverage.reached, coverage.all);
        [Span::from(reached).bold(), Span::from(format!(" {}   ", coverage.name)).dim()]
    });
    tiles.chain(coverage).collect()
}

fn figure_lines(view: &View, width: u16) -> u16 {
    let needed = figures_line(view).width().div_ceil(usize::from(width.max(1)));
    // Words are not broken: a line more.
    (needed + usize::from(needed > 1)).clamp(1, 4) as u16
}

fn draw_workers(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let rows = view.workers.iter().take(MOST_WORKERS).map(|worker| {
        Row::new([worker.name.as_str(), worker.executor.as_str(), worker.trial.as_str()])
    });
    let widths = [Constraint::Length(12), Constraint::Length(28), Constraint::Fill(1)];
    let more = view.workers.len().saturating_sub(MOST_WORKERS);
    let title = if more == 0 { "workers".to_owned() } else { format!("workers, {more} more") };
    frame.render_widget(Table::new(rows, widths).block(Block::bordered().title(title)), area);
}

/// Findings, and results where there are such.
fn draw_middle(frame: &mut Frame<'_>, view: &View, look: Look, area: Rect) {
    let findings = view.findings.rows();
    if let (true, Some(finding)) = (look.is_open, findings.get(look.selected)) {
        return draw_finding(frame, finding, area);
    }
    if view.table.rows.is_empty() {
        return draw_findings(frame, view, look, area);
    }
    let [above, below] = Layout::vertical([
        Constraint::Fill(if findings.is_empty() { 1 } else { 2 }),
        Constraint::Fill(3),
    ])
    .areas(area);
    draw_findings(frame, view, look, above);
    draw_table(frame, view, below);
}

fn draw_findings(frame: &mut Frame<'_>, view: &View, look: Look, area: Rect) {
    let totals = view.totals;
    let left_out = if totals.left_out == 0 {
        String::new()
    } else {
        format!(", {} kinds not listed", totals.left_out)
    };
    let title = format!("{} findings of {} kinds{left_out}", totals.findings, totals.kinds);
    let block = Block::bordered().title(title);
    let rows = view.findings.rows().iter().map(|finding| {
        Row::new([
            finding.count.to_string(),
            finding.executor.clone(),
            finding.kind.clone(),
            finding.trial.clone(),
            finding.text.clone(),
        ])
    });
    let widths = [
        Constraint::Length(7),
        Constraint::Max(24),
        Constraint::Length(12),
        Constraint::Max(30),
        Constraint::Fill(1),
    ];
    let header =
        Row::new(["count", "executor", "kind", "block or test", "how"]).style(Style::new().dim());
    let table = Table::new(rows, widths)
        .header(header)
        .row_highlight_style(Modifier::REVERSED)
        .block(block);
    let mut state = TableState::default().with_selected(look.selected);
    frame.render_stateful_widget(table, area, &mut state);
}

fn draw_finding(frame: &mut Frame<'_>, finding: &Finding, area: Rect) {
    let fields = [
        ("signature", &finding.signature),
        ("executor", &finding.executor),
        ("kind", &finding.kind),
        ("block or test", &finding.trial),
        ("first seen", &finding.seen),
        ("how", &finding.text),
        ("reproduce", &finding.replay),
    ];
    let lines: Vec<Line<'_>> = fields
        .into_iter()
        .flat_map(|(name, value)| {
            let mut lines = value.lines();
            let first = Span::from(lines.next().unwrap_or_default());
            let first = Line::from(vec![Span::from(format!("{name}: ")).dim(), first]);
            std::iter::once(first).chain(lines.map(Line::from))
        })
        .collect();
    let title = format!("found {} times; Enter or Esc closes", finding.count);
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), area);
}

/// The newest rows that there is room for.
fn draw_table(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let room = usize::from(area.height.saturating_sub(3));
    let rows = &view.table.rows;
    let newest = rows.iter().skip(rows.len().saturating_sub(room));
    let columns = view.table.columns.len();
    let widths = (0..columns)
        .map(|column| if column == 0 { Constraint::Fill(2) } else { Constraint::Fill(1) });
    let table = Table::new(newest.map(|row| Row::new(row.iter().map(String::as_str))), widths)
        .header(Row::new(view.table.columns.iter().copied()).style(Style::new().dim()))
        .block(Block::bordered().title(view.table.name));
    frame.render_widget(table, area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Coverage, Tile, Worker};
    use ratatui::{Terminal, backend::TestBackend};

    fn drawn(view: &View, look: Look, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view, look)).unwrap();
        terminal.backend().to_string()
    }

    fn example() -> View {
        let mut view =
            View { command: "fuzz".into(), unit: "blocks", of: Some(900), ..View::default() };
        view.tiles.push(Tile::new("transactions", 12_345));
        let (name, missing) = ("features".to_owned(), vec!["blobs".to_owned()]);
        view.coverage.push(Coverage { name, reached: 3, all: 4, missing });
        let (name, executor, trial) = ("worker 1".into(), "block_stm@2".into(), "seed 7".into());
        view.workers.push(Worker { name, executor, trial });
        (0..3).for_each(|second| view.progress(f64::from(second), 100 * second as u64));
        for number in 0..30 {
            view.find(Finding {
                signature: format!("signature-{number}"),
                executor: "block_stm@2".into(),
                kind: "diverged".into(),
                text: "gas: expected 1, found 2".into(),
                replay: format!("lockstep fuzz --seed {number} --blocks 1"),
                count: 1,
                ..Finding::default()
            });
        }
        view
    }

    #[test]
    fn everything_of_a_run_is_there() {
        let text = drawn(&example(), Look::default(), (120, 40));
        for part in [
            "lockstep fuzz running  00:00:02  200 of 900 blocks",
            "100 blocks in the last second",
            "12345 transactions",
            "3 of 4 features",
            "worker 1",
            "seed 7",
            "30 findings of 30 kinds",
            "gas: expected 1, found 2",
            "p pause or go on",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn the_selected_finding_is_scrolled_to_and_opened() {
        let look = Look { selected: 29, is_open: true };
        let text = drawn(&example(), look, (100, 30));
        assert!(text.contains("lockstep fuzz --seed 29 --blocks 1"), "{text}");
    }

    #[test]
    fn a_small_terminal_is_no_reason_to_panic() {
        let mut view = example();
        view.table.columns = vec!["block", "speedup"];
        view.table.push(vec!["a".to_owned(), "1.2".to_owned()]);
        for size in [(1, 1), (5, 3), (20, 8), (300, 100)] {
            drawn(&view, Look { selected: 40, is_open: false }, size);
            drawn(&View::default(), Look::default(), size);
        }
    }
}
