//! The client's side of HTTP/1.1, as cheap as it can be: requests are bytes made ahead, an answer
//! is read to its end and hardly looked at.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use http::{Method, Request, header};
use jiff::Timestamp;
use portcullis_sigv4::{Credentials, sign};

use crate::Fallible;

/// The region that a server is unless told otherwise.
pub(crate) const REGION: &str = "us-east-1";

/// Longest silence of a server before the harness gives up.
const SILENCE: Duration = Duration::from_secs(30);

/// What a call is, before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The service of the credential scope.
    pub(crate) service: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: String,
    /// A header beyond those that every call has.
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Call {
    /// The request's bytes, signed as of `now`.
    pub(crate) fn sign(
        &self,
        address: SocketAddr,
        key: &Credentials,
        now: Timestamp,
    ) -> Fallible<Vec<u8>> {
        let form = matches!(self.service, "iam" | "sts");
        let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        request = request.header(header::HOST, address.to_string());
        if !self.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if let Some((name, value)) = self.header {
            request = request.header(name, value);
        }
        let (mut head, ()) = request.body(())?.into_parts();
        sign(&mut head, self.body.as_bytes(), key, REGION, self.service, now)?;
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &head.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        write!(bytes, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)?;
        Ok(bytes)
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// From the first byte sent to the last byte read.
    pub(crate) time: Duration,
}

/// A keep-alive connection with one request at a time on it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Fallible<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, buffer: vec![0; 256 * 1024] })
    }

    /// Sends `request` as it is, and reads the answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Fallible<Answer> {
        let begin = Instant::now();
        self.stream.write_all(request)?;
        let mut read = 0;
        let head = loop {
            let space = self.buffer.get_mut(read..).ok_or("an answer over 256 KiB")?;
            match self.stream.read(space)? {
                0 => return Err("the server closed the connection".into()),
                count => read += count,
            }
            let so_far = self.buffer.get(..read).unwrap_or_default();
            if let Some(head) = Head::read(so_far)
                && read >= head.bytes + head.body_bytes
            {
                break head;
            }
        };
        let time = begin.elapsed();
        let body = self.buffer.get(head.bytes..read).unwrap_or_default().to_owned();
        Ok(Answer { status: head.status, body, time })
    }
}

/// What must be known of an answer's head to read past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Of the head itself.
    pub(crate) bytes: usize,
    pub(crate) body_bytes: usize,
}

impl Head {
    /// Reads the head at the front of `answer`; nothing when it is not whole yet. A body without a
    /// `Content-Length` counts as none.
    pub(crate) fn read(answer: &[u8]) -> Option<Self> {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(answer.get(..end)?).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        Some(Self { status, bytes: end + 4, body_bytes: length.unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[track_caller]
    fn check(answer: &str, want: Option<(u16, usize, usize)>) {
        let got = Head::read(answer.as_bytes());
        assert_eq!(got.map(|head| (head.status, head.bytes, head.body_bytes)), want, "{answer:?}");
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        check("", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", Some((200, 38, 2)));
        check("HTTP/1.1 200 OK\r\nContent-Length:17\r\n\r\n{}", Some((200, 38, 17)));
        check("HTTP/1.1 204 No Content\r\n\r\n", Some((204, 27, 0)));
    }
}
