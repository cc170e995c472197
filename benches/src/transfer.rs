//! Runs that move a large file, and the files that they move. These are in memory: what is measured is no disk.

use crate::groups::Way;
use crate::measure::{Printed, Run};
use mmx_bench::Result;
use mmx_bench::build::Places;
use mmx_bench::result::Figures;
use serde_json::json;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

const MEMORY: &str = "/dev/shm";
const SMALL: usize = 1024;
const PART: usize = 64 * 1024;
const SMALL_ID: i64 = 1;
const LARGE_ID: i64 = 2;

/// What is moved: a part that is repeated, so that the server can send it without computing it.
pub(crate) struct Files {
    folder: PathBuf,
    part: Vec<u8>,
    pub(crate) mib: usize,
}

impl Files {
    pub(crate) fn make(places: &Places, mib: usize) -> Result<Files> {
        let memory = Path::new(MEMORY);
        let place = if memory.is_dir() { memory } else { &places.folder };
        let folder = place.join(format!("mmx-bench-{}", process::id()));
        fs::create_dir_all(&folder)?;
        // Of letters and digits: JSON holds them as they are, and nothing looks like a boundary.
        let mut state = 1_u64;
        let part = (0..PART).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b'0' + (state >> 59) as u8 % 10 + 17 * ((state >> 58) as u8 & 1)
        });
        let files = Files { folder, part: part.collect(), mib };
        fs::write(files.small(), &files.part[..SMALL])?;
        let mut large = BufWriter::new(File::create(files.large())?);
        for _ in 0..files.bytes() / PART {
            large.write_all(&files.part)?;
        }
        large.flush()?;
        Ok(files)
    }

    fn bytes(&self) -> usize {
        self.mib << 20
    }

    fn small(&self) -> PathBuf {
        self.folder.join("small.mp3")
    }

    fn large(&self) -> PathBuf {
        self.folder.join("large.mp3")
    }

    fn target(&self) -> PathBuf {
        self.folder.join("downloaded.mp3")
    }

    /// As the stand-in server is told of them.
    fn at_the_server(&self) -> String {
        let text = String::from_utf8_lossy(&self.part);
        let file = |id: i64, size| json!({"file_id": id, "purpose": "voice_clone", "content": text, "size": size});
        json!([file(SMALL_ID, SMALL), file(LARGE_ID, self.bytes())]).to_string()
    }

    fn check_target(&self) -> Result<()> {
        let mut file = File::open(self.target())?;
        let mut found = vec![0; PART];
        for _ in 0..self.bytes() / PART {
            file.read_exact(&mut found)?;
            if found != self.part {
                return Err("other bytes were downloaded".into());
            }
        }
        if file.read(&mut found)? == 0 { Ok(()) } else { Err("more was downloaded than there is".into()) }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Run<'_> {
    pub(crate) fn transfer(&self, way: Way) -> Result<Figures> {
        self.move_files(way, true)
    }

    /// That the same bytes arrive, once and not measured, for the server hashes them.
    pub(crate) fn check_transfer(&self, way: Way) -> Result<()> {
        self.move_files(way, false).map(drop)
    }

    fn move_files(&self, way: Way, count_only: bool) -> Result<Figures> {
        let files = self.files.ok_or("there is no large file")?;
        let account = self.server.account(&files.at_the_server())?;
        account.control("settings", Some(json!({"count_only": count_only, "any_file": true}).to_string()))?;
        let arguments: Vec<OsString> = match way {
            Way::Up => vec!["upload".into(), files.small().into(), files.large().into()],
            Way::Down => {
                vec!["download".into(), SMALL_ID.to_string().into(), LARGE_ID.to_string().into(), files.target().into()]
            }
        };
        let (printed, process) = self.run(&account, &arguments)?;
        match way {
            Way::Down => files.check_target()?,
            Way::Up => {
                let uploaded = account.ids_of_size(files.bytes())?;
                let [LARGE_ID, uploaded] = uploaded[..] else {
                    return Err(format!("of {} bytes there are the files {uploaded:?}", files.bytes()).into());
                };
                if !count_only && account.sha256(uploaded)? != account.sha256(LARGE_ID)? {
                    return Err("other bytes were uploaded".into());
                }
            }
        }
        fs::remove_file(files.target()).or_else(|error| if way == Way::Up { Ok(()) } else { Err(error) })?;
        let Printed { wall_ns, growth_kib, .. } = printed;
        let figures = printed.figures(process, 1);
        let mib_per_s = (files.mib as f64 * 1e11 / wall_ns as f64).round() / 100.0;
        Ok(Figures { mib_per_s: Some(mib_per_s), growth_mib: Some(growth_kib as f64 / 1024.0), ..figures })
    }
}
