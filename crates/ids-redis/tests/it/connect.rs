//! The DSN, passwords, encryption, and servers that will not do.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ids_redis::{ConfigError, ConnectError, Redis, RedisConfig, TrustedRoots};
use ids_testkit::services::{PrivateRedis, redis};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::queue_fixture::raw;

const SECRET: &str = "s3cr3t-word";

/// Everything that an error says, its causes too.
fn whole_text(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("; {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

async fn failure(dsn: &str) -> ConnectError {
    let mut config = RedisConfig::from_dsn(dsn).unwrap();
    config.timeouts.connect = Duration::from_secs(1);
    let error = Redis::connect(&config).await.expect_err("it cannot be used");
    assert!(!whole_text(&error).contains(SECRET), "{}", whole_text(&error));
    error
}

/// The address of the shared server without user and password.
fn address() -> &'static str {
    redis().dsn.split_once('@').unwrap().1
}

#[test]
fn a_dsn_is_shown_without_its_password() {
    for (dsn, shown) in [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://:s3cr3t-word@redis:6380/2", "redis://:***@redis:6380/2"),
        ("rediss://ids:s3cr3t-word@[::1]/", "rediss://ids:***@[::1]:6379/0"),
        ("  redis://ids:a%40s3cr3t-word@h\n", "redis://ids:***@h:6379/0"),
    ] {
        let config = RedisConfig::from_dsn(dsn).unwrap();
        assert_eq!(config.masked(), shown);
        assert!(!format!("{config:?}").contains(SECRET));
    }
}

#[test]
fn a_dsn_that_cannot_be_used_says_why_without_repeating_it() {
    let unreadable = |reason| ConfigError::Unreadable { reason };
    for (dsn, expected) in [
        ("", ConfigError::Scheme),
        ("localhost:6379", ConfigError::Scheme),
        ("http://:s3cr3t-word@h", ConfigError::Scheme),
        (
            "redis://:s3cr3t-word@h/zero",
            unreadable("the database after the port is not a number"),
        ),
        ("redis://", unreadable("there is no host")),
        ("redis://:s3cr3t-word@h:port", unreadable("it is no address")),
        (
            "redis://:s3cr3t-word@0.0.0.0",
            unreadable("a server cannot be reached at 0.0.0.0 or ::"),
        ),
        (
            "rediss://:s3cr3t-word@h/#insecure",
            ConfigError::Unsupported { part: "#..." },
        ),
        (
            "redis://:s3cr3t-word@h/?protocol=resp3",
            ConfigError::Unsupported { part: "?..." },
        ),
    ] {
        let error = RedisConfig::from_dsn(dsn).unwrap_err();
        assert_eq!(error, expected, "{dsn}");
        assert!(!whole_text(&error).contains(SECRET));
    }
    let config = RedisConfig::from_dsn("redis://h").unwrap();
    for prefix in ["", "a*", "{a}", "a:b", "ç"] {
        assert!(config.clone().under(prefix).is_err(), "{prefix}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_none_are_told_apart_from_a_server_that_is_away() {
    let wrong = failure(&format!("redis://default:{SECRET}@{}", address())).await;
    assert!(matches!(wrong, ConnectError::AccessDenied { .. }), "{wrong:?}");
    let none = failure(&format!("redis://{}", address())).await;
    assert!(matches!(none, ConnectError::AccessDenied { .. }), "{none:?}");
    assert!(none.to_string().contains("check `REDIS_DSN`"));

    let free_port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let away = failure(&format!("redis://:{SECRET}@127.0.0.1:{free_port}")).await;
    assert!(matches!(away, ConnectError::Unreachable { .. }), "{away:?}");
    assert!(
        away.to_string()
            .contains(&format!("redis://:***@127.0.0.1:{free_port}/0"))
    );
    let unknown = failure(&format!("redis://:{SECRET}@no-such-host.invalid")).await;
    assert!(matches!(unknown, ConnectError::Unreachable { .. }), "{unknown:?}");
}

#[tokio::test]
async fn a_password_with_every_odd_character_works() {
    let server = PrivateRedis::volatile();
    let mut raw = raw(&server.dsn).await;
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "ids-user", "on", ">p@ss/w#r?d%ç", "~*", "+@all"])
        .query_async(&mut raw)
        .await
        .unwrap();
    let (_, address) = server.dsn.split_once('@').unwrap();
    let dsn = format!("redis://ids-user:p%40ss%2Fw%23r%3Fd%25%C3%A7@{address}");
    let redis = Redis::connect(&RedisConfig::from_dsn(&dsn).unwrap())
        .await
        .unwrap();
    redis.ping().await.unwrap();
    assert_eq!(redis.server(), format!("redis://ids-user:***@{address}/0"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_refused() {
    let error = failure(&format!("{}/9999", redis().dsn)).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("database number"));
}

#[tokio::test]
async fn a_server_before_six_two_is_refused_by_its_version() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let old_server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4_096];
        loop {
            let length = stream.read(&mut buffer).await.unwrap();
            if length == 0 {
                return;
            }
            let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
            // One reply for each command that came.
            for command in asked.split('*').skip(1) {
                let reply = if command.contains("\r\nINFO\r\n") {
                    let text = "# Server\r\nredis_version:6.0.16\r\nos:Linux\r\n";
                    format!("${}\r\n{text}\r\n", text.len())
                } else {
                    "+OK\r\n".to_owned()
                };
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        }
    };
    let dsn = format!("redis://127.0.0.1:{port}");
    let error = tokio::select! {
        error = failure(&dsn) => error,
        () = old_server => panic!("the client went away"),
    };
    assert!(
        matches!(&error, ConnectError::TooOld { version, .. } if version == "6.0.16"),
        "{error:?}"
    );
    assert!(error.to_string().ends_with("6.2 or newer is needed"));
}

#[tokio::test]
async fn a_server_with_a_certificate_of_a_trusted_authority_is_reached_and_no_other() {
    let server = PrivateRedis::volatile();
    let folder = tempfile::tempdir().unwrap();
    let authority = make_certificates(folder.path());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut raw = raw(&server.dsn).await;
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg(&[
            "tls-cert-file",
            &file("server.pem"),
            "tls-key-file",
            &file("server.key"),
        ])
        .arg(&["tls-auth-clients", "no", "tls-port", &port.to_string()])
        .query_async(&mut raw)
        .await
        .unwrap();
    let user = server
        .dsn
        .strip_prefix("redis://")
        .unwrap()
        .split_once('@')
        .unwrap()
        .0;

    let mut config = RedisConfig::from_dsn(&format!("rediss://{user}@127.0.0.1:{port}")).unwrap();
    config.roots = TrustedRoots::Only(vec![authority]);
    let redis = Redis::connect(&config).await.expect("the authority is trusted");
    redis.ping().await.unwrap();
    assert!(redis.server().starts_with("rediss://"));

    config.roots = TrustedRoots::System;
    let error = Redis::connect(&config).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(
        whole_text(&error).to_lowercase().contains("certificate"),
        "{}",
        whole_text(&error)
    );

    let other_name = format!("rediss://{user}@localhost:{port}");
    let mut config = RedisConfig::from_dsn(&other_name).unwrap();
    config.roots = TrustedRoots::Only(vec![make_certificates(tempfile::tempdir().unwrap().path())]);
    assert!(Redis::connect(&config).await.is_err(), "another authority");
}

/// An authority, and a certificate of it for 127.0.0.1: `server.pem`, `server.key`. Returns the authority's in DER.
fn make_certificates(folder: &Path) -> Vec<u8> {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .expect("`openssl` is installed");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!(
        "{new} -keyout ca.key -out ca.pem -subj /CN=ids-test-authority -addext keyUsage=critical,keyCertSign"
    ));
    openssl(&format!(
        "{new} -keyout server.key -out server.pem -subj /CN=ids-test-server -addext subjectAltName=IP:127.0.0.1 \
         -addext basicConstraints=critical,CA:FALSE -CA ca.pem -CAkey ca.key"
    ));
    openssl("x509 -in ca.pem -outform DER -out ca.der");
    std::fs::read(folder.join("ca.der")).unwrap()
}
