//! The picture: horizontal bars, a panel for each kind of work.

use super::{Sources, bulk_spread, is_ours, plain};
use crate::number;
use crate::result::Spread;
use std::fmt::Write as _;

const WIDTH: usize = 1000;
const MARGIN: usize = 20;
const COLUMN: usize = (WIDTH - 3 * MARGIN) / 2;
/// Of the names left of the bars, and of the figures right of them.
const NAMES: usize = 140;
const FIGURES: usize = 70;
const BARS: usize = COLUMN - NAMES - FIGURES;
const BAR: usize = 13;
const STEP: usize = 17;
const HEADING: usize = 22;
const TOP: usize = 64;

/// The colours of libmmx, of libmmx called in a second way, and of its peers.
const OURS: &str = "#1d5fd1";
const OURS_TOO: &str = "#7da7ec";
const PEERS: &str = "#b4b9c2";

struct Panel {
    title: String,
    /// Says which way is better.
    note: &'static str,
    groups: Vec<(String, Vec<Bar>)>,
}

struct Bar {
    name: String,
    value: Spread,
    decimals: usize,
}

impl Panel {
    fn height(&self) -> usize {
        let bars: usize = self.groups.iter().map(|(_, bars)| bars.len() * STEP + HEADING).sum();
        bars + HEADING + MARGIN
    }
}

const LESS: &str = "shorter is better";
const MORE: &str = "longer is better";

pub(super) fn draw(sources: &Sources) -> String {
    let panels: Vec<_> = panels(sources).into_iter().filter(|panel| !panel.groups.is_empty()).collect();
    // The next panel goes where there is more room.
    let (mut heights, mut body) = ([TOP; 2], String::new());
    for panel in &panels {
        let column = usize::from(heights[1] < heights[0]);
        draw_panel(&mut body, panel, MARGIN + column * (COLUMN + MARGIN), heights[column]);
        heights[column] += panel.height();
    }
    let height = heights[0].max(heights[1]);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title>libmmx beside its peers</title>\n\
         <desc>Written by make bench-page from benches/results; the same figures are in the tables of performance.md.</desc>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"28\" font-size=\"18\" font-weight=\"600\" fill=\"#14181f\">libmmx beside its peers</text>\n\
         <text x=\"{MARGIN}\" y=\"47\" fill=\"#5b6470\">Medians; the thin lines reach from the least to the greatest round. \
         A stand-in server on the same machine.</text>\n\
         {body}</svg>\n"
    )
}

fn panels(sources: &Sources) -> Vec<Panel> {
    let both = |rest: &str| ["HTTP", "HTTPS"].map(|over| format!("{over}, {rest}"));
    let panel = |title: &str, note, groups: &[String], figure: &str, divisor: f64, decimals| {
        let mut shown = Vec::new();
        for group in groups.iter().filter_map(|name| sources.group(name)) {
            let contestants =
                group.contestants.iter().filter(|one| !["requests", "httpx"].contains(&one.name.as_str()));
            let bar = |value: Spread, name: &str| Bar {
                name: plain(name).replace(" (Ctrl-C)", ""),
                value: divided(value, divisor),
                decimals,
            };
            let bars = contestants.filter_map(|one| Some(bar(one.spread(figure)?, &one.name)));
            shown.push((group.name.clone(), bars.collect()));
        }
        Panel { title: title.to_owned(), note, groups: shown }
    };
    let goroutines = [both("Go, 1 goroutine"), both("Go, 8 goroutines"), both("Go, 64 goroutines")].concat();
    let firsts = ["first HTTPS call, system's roots", "first HTTPS call, one root"].map(str::to_owned);
    let transfers = ["HTTP, upload", "HTTP, download", "HTTPS, upload", "HTTPS, download"].map(str::to_owned);
    vec![
        panel("Time of a delete, one thread, µs", LESS, &both("1 thread, one core"), "p50_us", 1.0, 1),
        panel("Time of a delete from Python, µs", LESS, &both("Python, one core"), "p50_us", 1.0, 1),
        panel("Deletes a second, 8 threads", MORE, &both("8 threads"), "calls_per_s", 1.0, 0),
        panel("Deletes a second, 64 threads", MORE, &both("64 threads"), "calls_per_s", 1.0, 0),
        panel("Deletes a second from Go", MORE, &goroutines, "calls_per_s", 1.0, 0),
        panel("A large file, MiB/s", MORE, &transfers, "mib_per_s", 1.0, 0),
        panel("First HTTPS call of a process, ms", LESS, &firsts, "p50_us", 1000.0, 1),
        bulk(sources),
    ]
}

/// Those without a delay: with one, the server's delay is nearly all of the time.
fn bulk(sources: &Sources) -> Panel {
    let mut groups: Vec<(String, Vec<Bar>)> = Vec::new();
    for row in sources.bulk().iter().filter(|row| row.to_the_least.is_none()) {
        let Some(value) = bulk_spread(row) else { continue };
        let bar = Bar { name: row.name.clone(), value, decimals: 0 };
        match groups.last_mut() {
            Some((name, bars)) if *name == row.group => bars.push(bar),
            _ => groups.push((row.group.clone(), vec![bar])),
        }
    }
    Panel { title: "Many files at once, files/s".into(), note: MORE, groups }
}

fn divided(Spread { median, min, max }: Spread, divisor: f64) -> Spread {
    Spread { median: median / divisor, min: min / divisor, max: max / divisor }
}

fn draw_panel(svg: &mut String, panel: &Panel, left: usize, top: usize) {
    let (title, note) = (escaped(&panel.title), panel.note);
    let mut y = top + 14;
    let right = left + COLUMN;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{y}\" font-size=\"14\" font-weight=\"600\" fill=\"#14181f\">{title}</text>"
    );
    let _ = writeln!(svg, "<text x=\"{right}\" y=\"{y}\" text-anchor=\"end\" fill=\"#5b6470\">{note}</text>");
    y += HEADING - 14;
    let longest = panel.groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.value.max).fold(0.0, f64::max);
    let length = |value: f64| value / longest * BARS as f64;
    let x = left + NAMES;
    for (name, bars) in &panel.groups {
        let _ = writeln!(svg, "<text x=\"{left}\" y=\"{}\" fill=\"#5b6470\">{}</text>", y + 15, escaped(name));
        y += HEADING;
        for bar in bars {
            let (text, middle) = (y + 10, y as f64 + BAR as f64 / 2.0);
            let names_end = x - 6;
            let name = escaped(&bar.name);
            let _ = writeln!(
                svg,
                "<text x=\"{names_end}\" y=\"{text}\" text-anchor=\"end\" fill=\"#14181f\">{name}</text>"
            );
            let (width, colour) = (length(bar.value.median), colour(&bar.name));
            let _ =
                writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>");
            let (from, to) = (x as f64 + length(bar.value.min), x as f64 + length(bar.value.max));
            let _ = writeln!(svg, "<path d=\"M{from:.1} {middle}H{to:.1}\" stroke=\"#14181f\"/>");
            let (end, figure) = (to.max(x as f64 + width) + 6.0, number(bar.value.median, bar.decimals));
            let _ = writeln!(svg, "<text x=\"{end:.1}\" y=\"{text}\" fill=\"#14181f\">{figure}</text>");
            y += STEP;
        }
    }
}

fn colour(name: &str) -> &'static str {
    match name {
        "libmmx" => OURS,
        name if is_ours(name) => OURS_TOO,
        _ => PEERS,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
