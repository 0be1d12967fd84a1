//! Charts as SVG, drawn by `plotters`.
//!
//! Every text and every axis is black there; the page's style gives them the color of its text, so that
//! they can be read in the dark too.

use plotters::{
    coord::{Shift, ranged1d::SegmentValue},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use std::{error::Error, ops::Range};

pub(super) use plotters::style::RGBColor as Rgb;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Colors that can be told apart, also without telling red from green (Okabe and Ito), on white and on
/// black.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(150, 130, 20),
    RGBColor(110, 110, 110),
];

/// The color of a series.
pub(super) fn color(nth: usize) -> RGBColor {
    COLORS[nth % COLORS.len()]
}

/// A value with its interval, of one series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    pub(super) series: usize,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Its limit, where that is known.
    pub(super) limit: Option<f64>,
}

/// Points of one series, from left to right.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) series: usize,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) dashed: bool,
}

const FONT: (&str, i32) = ("sans-serif", 13);

/// Draws; of what cannot be drawn there is a sentence instead.
fn svg((width, height): (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?))
    };
    match drawn {
        Ok(()) => scalable(&text, width, height),
        Err(error) => format!("<p>This chart could not be drawn: {error}</p>"),
    }
}

/// Lets the page decide about the size.
fn scalable(svg: &str, width: u32, height: u32) -> String {
    let size = format!("width=\"{width}\" height=\"{height}\" ");
    svg.replacen(&size, "", 1)
}

/// Horizontal bars with intervals, one above the other; a small line marks each limit.
pub(super) fn bars(rows: &[(String, Vec<Bar>)]) -> String {
    let each = rows.iter().map(|(_, bars)| bars.len()).max().unwrap_or(1).max(1);
    let height = 70 + (rows.len() * (each * 11 + 9)) as u32;
    let furthest = rows.iter().flat_map(|(_, bars)| bars).flat_map(|bar| [bar.high, bar.value]);
    let end = furthest.fold(1.0, f64::max).min(64.0) * 1.05;
    svg((760, height), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(190)
            .build_cartesian_2d(0.0..end, (0..rows.len().saturating_sub(1)).into_segmented())?;
        let name = |value: &SegmentValue<usize>| match value {
            SegmentValue::CenterOf(row) => rows.iter().rev().nth(*row).map(|row| row.0.clone()),
            _ => None,
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("times as fast as sequential")
            .x_label_formatter(&|value| format!("{value:.1}"))
            .y_labels(rows.len() + 1)
            .y_label_formatter(&|value| name(value).unwrap_or_default())
            .label_style(FONT)
            .draw()?;
        // In pixels of the plot: segments know no parts of themselves.
        let plot = chart.plotting_area();
        let one = |value: f64, row: usize| {
            plot.map_coordinate(&(value, SegmentValue::Exact(rows.len() - 1 - row)))
        };
        for (row, (_, bars)) in rows.iter().enumerate() {
            let bottom = one(0.0, row).1;
            let top = bottom - (each * 11 + 9) as i32 + 6;
            for (place, bar) in bars.iter().enumerate() {
                let y = top + place as i32 * 11;
                let x = |value: f64| one(value.clamp(0.0, end), row).0;
                let rectangle = Rectangle::new(
                    [(x(0.0), y), (x(bar.value), y + 9)],
                    color(bar.series).filled(),
                );
                area.draw(&rectangle)?;
                let whisker = [(x(bar.low), y + 4), (x(bar.high), y + 4)];
                area.draw(&PathElement::new(whisker, BLACK.stroke_width(1)))?;
                if let Some(limit) = bar.limit.filter(|limit| *limit <= end) {
                    let mark = [(x(limit), y - 1), (x(limit), y + 10)];
                    area.draw(&PathElement::new(mark, color(5).stroke_width(2)))?;
                }
            }
        }
        let base = [(one(1.0, 0).0, 8), (one(1.0, 0).0, height as i32 - 42)];
        area.draw(&PathElement::new(base, BLACK.stroke_width(1)))?;
        Ok(())
    })
}

/// How large a chart is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// One of many beside each other.
    Small,
    /// As wide as the page.
    Large,
}

impl Size {
    const fn pixels(self) -> (u32, u32) {
        match self {
            Self::Small => (400, 280),
            Self::Large => (640, 360),
        }
    }
}

/// Lines over a number, with a legend.
pub(super) fn lines(size: Size, x: &str, y: &str, lines: &[Line]) -> String {
    let Some((across, up)) = ranges(lines.iter().flat_map(|line| &line.points)) else {
        return String::new();
    };
    svg(size.pixels(), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(38)
            .y_label_area_size(52)
            .build_cartesian_2d(across, up)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(x).y_desc(y).label_style(FONT).light_line_style(TRANSPARENT).draw()?;
        for line in lines {
            let points = line.points.iter().copied();
            let style = color(line.series).stroke_width(if line.dashed { 1 } else { 2 });
            let drawn = if line.dashed {
                chart.draw_series(DashedLineSeries::new(points, 5, 4, style))?
            } else {
                chart.draw_series(LineSeries::new(points, style).point_size(2))?
            };
            drawn
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        legend(&mut chart)
    })
}

/// Points of several series; `diagonal` draws the line of equal coordinates.
pub(super) fn scatter(x: &str, y: &str, series: &[Line], diagonal: bool) -> String {
    let Some((across, up)) = ranges(series.iter().flat_map(|line| &line.points)) else {
        return String::new();
    };
    svg(Size::Large.pixels(), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(38)
            .y_label_area_size(52)
            .build_cartesian_2d(across.clone(), up.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(x).y_desc(y).label_style(FONT).light_line_style(TRANSPARENT).draw()?;
        if diagonal {
            let end = across.end.min(up.end);
            chart.draw_series(DashedLineSeries::new(
                [(0.0, 0.0), (end, end)],
                5,
                4,
                color(5).into(),
            ))?;
        }
        chart.draw_series(DashedLineSeries::new(
            [(across.start, 1.0), (across.end, 1.0)],
            2,
            4,
            BLACK.into(),
        ))?;
        for line in series {
            let color = color(line.series);
            let circles = line.points.iter().map(|point| Circle::new(*point, 3, color.filled()));
            chart
                .draw_series(circles)?
                .label(&line.name)
                .legend(move |(x, y)| Circle::new((x + 9, y), 4, color.filled()));
        }
        legend(&mut chart)
    })
}

fn legend<'a>(
    chart: &mut ChartContext<
        'a,
        SVGBackend<'a>,
        Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
    >,
) -> Drawn {
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(TextStyle::from(FONT).pos(Pos::new(HPos::Left, VPos::Top)))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}

/// From zero to a little more than the furthest.
fn ranges<'a>(points: impl Iterator<Item = &'a (f64, f64)>) -> Option<(Range<f64>, Range<f64>)> {
    let (x, y) = points.copied().reduce(|(x, y), (a, b)| (x.max(a), y.max(b)))?;
    Some((0.0..x.max(0.001) * 1.05, 0.0..y.max(0.001) * 1.1))
}
