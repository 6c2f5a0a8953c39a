use super::*;
use crate::base::environment::Environment;

/// Starts a stand-in for tests, in which every secret's value is its name. Returns its address.
pub(crate) fn valued_as_named() -> String {
    use std::io::{BufRead, BufReader, Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = |connection: std::net::TcpStream| -> std::io::Result<()> {
        let (mut reader, mut line, mut length) = (BufReader::new(&connection), String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let asked: Value = serde_json::from_slice(&body)?;
        let told = json!({"SecretString": asked["SecretId"]}).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", told.len());
        (&connection).write_all((head + &told).as_bytes())
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(|connection| drop(answer(connection))));
    url
}

#[tokio::test]
async fn a_secret_is_read_when_it_is_needed_and_not_shown() {
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &valued_as_named()),
        ("TOKEN_SECRET", "prod/token"),
    ];
    let environment = Environment::from_iter(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let context = Context::new(environment, Clock::default(), Random::seeded(1)).unwrap();
    let secret = Secret::required(&context, "TOKEN_SECRET").unwrap();
    assert_eq!(secret.value().await.unwrap(), "prod/token");
    assert_eq!(format!("{secret:?}"), "Secret(\"prod/token\")");
    assert!(Secret::optional(&context, "OTHER_SECRET").unwrap().is_none());
    let missing = Secret::required(&context, "OTHER_SECRET").unwrap_err();
    assert_eq!(missing, ConfigError::Missing("OTHER_SECRET"));
}
