//! File systems as they are: some know no modes or no fsync, some files can't be replaced, some links are not to be followed.

use crate::transport::sys;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Why a mount point can't be replaced.
pub fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBUSY)
}

/// Gives the file the mode of the one that it replaces, and brings it to the disk. Network and FAT file systems know no
/// modes, and some no fsync: that is no reason to throw the file away.
pub fn settle(file: &File, before: Option<&Metadata>) -> io::Result<()> {
    let unless = |result: io::Result<()>, codes: &[i32]| match result {
        Err(error) if error.raw_os_error().is_some_and(|code| codes.contains(&code)) => Ok(()),
        result => result,
    };
    if let Some(before) = before {
        // Never setuid, setgid or sticky; what a file of another owner was open for is not carried over to this one.
        let mode = before.permissions().mode() & 0o777;
        if file.metadata()?.uid() == before.uid() {
            let changed = file.set_permissions(Permissions::from_mode(mode));
            unless(changed, &[libc::EPERM, libc::EINVAL, libc::ENOSYS, libc::ENOTSUP, libc::EROFS])?;
        }
    }
    unless(file.sync_all(), &[libc::EINVAL, libc::ENOSYS, libc::ENOTSUP])
}

/// Writes the contents of a file into another that can't be replaced.
pub fn write_through(from: &File, path: &Path) -> io::Result<()> {
    let mut to = OpenOptions::new().write(true).truncate(true).open(path)?;
    let mut from = from;
    from.seek(SeekFrom::Start(0))?;
    io::copy(&mut from, &mut to)?;
    settle(&to, None)
}

/// Whether something is mounted there, such as a single file into a container.
pub fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = fs::canonicalize(path) else { return false };
    let Ok(mounts) = fs::read("/proc/self/mountinfo") else { return false };
    // The fifth field, in which blanks and backslashes stand as \\ooo.
    let escaped = path.as_os_str().as_bytes().iter().fold(Vec::new(), |mut text, &byte| {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => text.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => text.push(byte),
        }
        text
    });
    mounts.split(|&byte| byte == b'\n').any(|line| line.split(|&byte| byte == b' ').nth(4) == Some(&escaped))
}

/// A link that anybody could have laid is followed only where the kernel would (fs.protected_symlinks): in a sticky
/// folder that all may write to, only one's own and those of the folder's owner.
pub fn check_link(link: &Path) -> io::Result<()> {
    let (owner, folder) = (
        fs::symlink_metadata(link)?.uid(),
        fs::metadata(link.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?,
    );
    let is_open_to_all = folder.mode() & 0o1002 == 0o1002;
    if is_open_to_all && owner != sys::effective_user() && owner != folder.uid() {
        let why = "it is a symbolic link of another user in a folder that everybody may write to";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}
