//! The thread that draws and listens to keys.

use super::{
    draw::draw,
    held::Held,
    keys::{Look, Wish, press},
};
use crate::{Live, view::State};
use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    crossterm::{
        event::{self, Event},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::Rect,
};
use rustix::termios::tcgetwinsize;
use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often it is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Exit status after Ctrl-C, as a shell reports SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// A dashboard that has the terminal, until it is closed or dropped.
#[derive(Debug)]
pub struct Dashboard {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stderr or stdin is no terminal.
    pub fn open(live: Live) -> io::Result<Self> {
        if !io::stderr().is_terminal() || !io::stdin().is_terminal() {
            return Err(io::Error::other("stdin and stderr must be a terminal"));
        }
        let screen = Screen::open()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = thread::Builder::new().name("dashboard".to_owned());
        let thread = thread.spawn(move || {
            // Where the terminal is gone, the run goes on without a dashboard, even if it was paused: no other view can resume it.
            let _ = watch(&live, screen, &over);
            live.control().pause.store(false, Ordering::Relaxed);
            show_state(&live);
        })?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Dashboard {
    /// Gives the terminal back and prints what was held.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The terminal in the mode that a dashboard needs.
struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<File>>>,
    /// The same terminal, to ask for its size.
    file: File,
    _raw: Raw,
    // Dropped last: what was held is printed when the terminal is as before.
    _held: Held,
}

/// Keys come one by one, until this is dropped.
struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

impl Screen {
    fn open() -> io::Result<Self> {
        let (held, file) = Held::new()?;
        let mut writer = BufWriter::new(file.try_clone()?);
        let raw = Raw::enter()?;
        execute!(writer, EnterAlternateScreen)?;
        let viewport = Viewport::Fixed(area(&file)?);
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(CrosstermBackend::new(writer), options)?;
        Ok(Self { terminal, file, _raw: raw, _held: held })
    }

    /// Draws, on as much room as there is now.
    fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let area = area(&self.file)?;
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area)?;
        }
        self.terminal.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = execute!(self.terminal.backend_mut(), LeaveAlternateScreen);
    }
}

/// The size of the terminal itself: standard output may be another one, or none.
fn area(terminal: &File) -> io::Result<Rect> {
    let size = tcgetwinsize(terminal)?;
    Ok(Rect::new(0, 0, size.ws_col.max(1), size.ws_row.max(1)))
}

fn watch(live: &Live, mut screen: Screen, is_over: &AtomicBool) -> io::Result<()> {
    let mut look = Look::default();
    while !is_over.load(Ordering::Relaxed) {
        screen.draw(|frame| live.look(|view| draw(frame, view, look)))?;
        if !event::poll(DRAW_EVERY)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        let findings = live.look(|view| view.findings.rows().len());
        match press(&mut look, key, findings) {
            Wish::Nothing => {}
            Wish::Close => return Ok(()),
            Wish::Pause => pause_or_go_on(live),
            Wish::Stop if live.control().is_stopped() => {
                drop(screen);
                #[expect(clippy::exit, reason = "the user has asked twice")]
                std::process::exit(EXIT_INTERRUPTED);
            }
            Wish::Stop => stop(live),
        }
    }
    Ok(())
}

fn pause_or_go_on(live: &Live) {
    live.control().pause.fetch_xor(true, Ordering::Relaxed);
    show_state(live);
}

fn stop(live: &Live) {
    live.control().stop.store(true, Ordering::Relaxed);
    show_state(live);
}

fn show_state(live: &Live) {
    let control = live.control();
    live.update(|view| {
        view.state = match view.state {
            State::Finished => State::Finished,
            _ if control.is_stopped() => State::Stopping,
            _ if control.is_paused() => State::Paused,
            _ => State::Running,
        }
    });
}
