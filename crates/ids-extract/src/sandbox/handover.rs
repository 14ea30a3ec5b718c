//! A password and the file it opens on their way to the child: over a socket that is its standard input, the file as a descriptor. What stands in
//! an argument or in the environment can be read by others.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// Bytes of a password; no format takes as many.
const PASSWORD_BYTES: usize = 4 * 1_024;

/// What is to be the child's standard input. Sent before there is a child: a message waits for its reader.
pub(super) fn send(file: &File, password: &str) -> io::Result<OwnedFd> {
    if password.len() > PASSWORD_BYTES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files = [file.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&files));
    // A message of no bytes could not be told from the end: one stands in front.
    let message = [IoSlice::new(b"="), IoSlice::new(password.as_bytes())];
    sendmsg(&ours, &message, &mut control, SendFlags::NOSIGNAL)?;
    Ok(theirs)
}

/// Takes both out of this process's standard input.
pub(super) fn receive() -> io::Result<(File, String)> {
    let mut bytes = [0; PASSWORD_BYTES + 1];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        io::stdin().as_fd(),
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let file = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    let password = bytes[..received.bytes]
        .strip_prefix(b"=")
        .and_then(|password| std::str::from_utf8(password).ok());
    match (file, password) {
        (Some(file), Some(password)) => Ok((File::from(file), password.to_owned())),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
