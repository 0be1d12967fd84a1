//! What a key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What is shown of a view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// The finding that is selected.
    pub(super) selected: usize,
    /// Whether that finding is shown as a whole.
    pub(super) is_open: bool,
}

/// What a key asks for beyond another look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing.
    Nothing,
    /// To pause, or to go on.
    Pause,
    /// To end the run, and print what is known.
    Stop,
    /// To close the dashboard; the run goes on.
    Close,
}

/// What is shown on the last line.
pub(super) const HELP: &str =
    "p pause or go on   ↑ ↓ select   Enter look   s stop   q close this, the run goes on";

/// Takes a key, with so many findings on the list.
pub(super) fn press(look: &mut Look, key: KeyEvent, findings: usize) -> Wish {
    if key.kind == KeyEventKind::Release {
        return Wish::Nothing;
    }
    let last = findings.saturating_sub(1);
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Wish::Stop,
        KeyCode::Char('s') => return Wish::Stop,
        KeyCode::Char('p' | ' ') => return Wish::Pause,
        KeyCode::Char('q') => return Wish::Close,
        KeyCode::Down | KeyCode::Char('j') => look.selected = (look.selected + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => look.selected = look.selected.saturating_sub(1),
        KeyCode::Home | KeyCode::Char('g') => look.selected = 0,
        KeyCode::End | KeyCode::Char('G') => look.selected = last,
        KeyCode::Enter => look.is_open = !look.is_open && findings > 0,
        KeyCode::Esc => look.is_open = false,
        _ => {}
    }
    Wish::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_within_the_list() {
        let mut look = Look::default();
        let keys = |look: &mut Look, keys: &[KeyCode]| {
            keys.iter().fold(Wish::Nothing, |_, key| press(look, (*key).into(), 2))
        };
        keys(&mut look, &[KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Enter]);
        assert_eq!(look, Look { selected: 1, is_open: true });
        assert_eq!(keys(&mut look, &[KeyCode::Up, KeyCode::Up, KeyCode::Esc]), Wish::Nothing);
        assert_eq!(look, Look::default());
        assert_eq!(keys(&mut look, &[KeyCode::Char('s')]), Wish::Stop);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut look, interrupt, 0), Wish::Stop);
        assert_eq!(press(&mut look, KeyCode::Enter.into(), 0), Wish::Nothing);
        assert!(!look.is_open);
    }
}
