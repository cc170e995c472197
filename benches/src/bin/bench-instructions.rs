//! `make bench-instructions`: counts the instructions and allocations of one call, and prints the change to the committed
//! numbers.

use mmx_bench::build::Places;
use mmx_bench::counted;
use mmx_bench::machine::Machine;
use mmx_bench::result::{Count, Results};
use mmx_bench::{Result, number};
use std::env;

const USAGE: &str = "\
Usage: bench-instructions [--write] [WORD...]

Counts instructions and allocations of one call; with words, only of the calls in whose names all of them occur.
Prints the change to benches/results/instructions.json.

  --write   puts the numbers into that file
";

/// A change from which on a line is marked.
const MARKED: f64 = 2.0;

fn main() -> Result<()> {
    let (mut write, mut words) = (false, Vec::new());
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--write" => write = true,
            word if word.starts_with('-') => {
                print!("{USAGE}");
                return if ["-h", "--help"].contains(&word) {
                    Ok(())
                } else {
                    Err(format!("{word} is not known").into())
                };
            }
            word => words.push(word.to_lowercase()),
        }
    }
    let wanted = |name: &str| {
        let name = name.to_lowercase();
        words.iter().all(|word| name.split([',', ' ']).any(|part| part == word))
    };
    if !counted::names().any(wanted) {
        return Err("no call has these words in its name".into());
    }
    let places = Places::find()?;
    let committed = places.benches.join("results/instructions.json");
    let before = if committed.exists() { Results::read(&committed)? } else { Results::default() };

    let counts = counted::count(&places, wanted)?;
    let machine = Machine::describe();
    println!("Instructions and allocations of one call, and the change to results/instructions.json");
    if let Some(then) = &before.machine {
        println!("(commit {}, {}, {})", then.commit, then.cpu, then.rustc);
        if (&then.cpu, &then.rustc) != (&machine.cpu, &machine.rustc) {
            println!("Here: {}, {}. A change may come from that.", machine.cpu, machine.rustc);
        }
    }
    print!("{}", table(&counts, &before.counts));

    let output = places.folder.join("instructions.json");
    let mut results = Results { machine: Some(machine), counts, ..Results::default() };
    results.write(&output)?;
    println!("\nwritten to {}", output.display());
    if write {
        // Calls that were not counted now keep their numbers.
        let kept = |name: &str| before.counts.iter().find(|count| count.name == name).cloned();
        let now = |name: &str| results.counts.iter().find(|count| count.name == name).cloned();
        results.counts = counted::names().filter_map(|name| now(name).or_else(|| kept(name))).collect();
        results.write(&committed)?;
        println!("and to {}", committed.display());
    }
    Ok(())
}

type Figure = fn(&Count) -> f64;

fn table(counts: &[Count], before: &[Count]) -> String {
    let mut text =
        format!("\n{:<32}{:>14}{:>9}{:>14}{:>9}{:>14}{:>9}\n", "", "instructions", "", "allocations", "", "bytes", "");
    for now in counts {
        let then = before.iter().find(|count| count.name == now.name);
        let (mut line, mut is_marked) = (format!("{:<32}", now.name), false);
        let figures: [(String, Figure); 3] = [
            (number(now.instructions as f64, 0), |count| count.instructions as f64),
            (format!("{:.2}", now.allocations), |count| count.allocations),
            (number(now.allocated_bytes as f64, 0), |count| count.allocated_bytes as f64),
        ];
        for (shown, of) in figures {
            let change = then.map(|then| if of(now) == of(then) { 0.0 } else { (of(now) / of(then) - 1.0) * 100.0 });
            is_marked |= change.is_some_and(|change| change.abs() >= MARKED);
            let change = change.map_or("new".into(), |change| format!("{change:+.1} %"));
            line += &format!("{shown:>14}{change:>9}");
        }
        text += &line;
        text += if is_marked { "  <- 2 % or more\n" } else { "\n" };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Count, table};

    #[test]
    fn a_change_of_two_percent_is_marked() {
        let count = |name: &str, instructions, allocations| Count {
            name: name.into(),
            instructions,
            allocations,
            allocated_bytes: 1000,
        };
        let before = [count("less", 10_000, 20.0), count("same", 10_000, 20.0)];
        let now = [count("less", 9_799, 20.0), count("same", 10_199, 20.0), count("new", 5, 0.5)];
        let table = table(&now, &before);
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(lines[0].contains("-2.0 %") && lines[0].ends_with("2 % or more"), "{table}");
        assert!(lines[1].contains("+2.0 %") && !lines[1].contains("or more"), "{table}");
        assert!(lines[2].contains("new") && !lines[2].contains('%'), "{table}");
    }
}
