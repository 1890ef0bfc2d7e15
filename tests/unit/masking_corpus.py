"""Texts of jobs with secrets in many shapes, and texts that have none.

What is between `«` and `»` is a secret, which must not be seen. `~36~` becomes 36 letters and digits, `~h32~` 32
hexadecimal digits, so that nothing in this file looks like a secret.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LETTERS = "a1Zk9QwX3rTb7LmP0sVd5YhG2uNc8JfE4iRo6KeA"


class Sample(NamedTuple):
    """A text, and the secrets in it."""

    text: str
    secrets: tuple[str, ...]


def _filled(text: str) -> str:
    text = text.replace("~:~", "\N{FULLWIDTH COLON}").replace("~nbsp~", "\N{NO-BREAK SPACE}").replace("~n~", "\n")
    text = re.sub(r"~(\d+)~", lambda found: (_LETTERS * 8)[: int(found[1])], text)
    return re.sub(r"~h(\d+)~", lambda found: ("0f3a9c7e5b1d2846" * 8)[: int(found[1])], text)


def _sample(text: str) -> Sample:
    whole = _filled(text)
    return Sample(whole.replace("«", "").replace("»", ""), tuple(re.findall("«(.+?)»", whole, re.DOTALL)))


_NAMED = r"""
DB_PASSWORD=«hunter2» go
password: «hunter2»
password=«abc,rest»
password=«abc&rest» run
password="«two words»"
password='«two words»'
password = «hunter2»
key   =   1, password   =   «hunter2»
:password => "«hunter2»"
password := "«hunter2»"
{"password": "«two words»", "user": "kim"}
{"api_key": "«abc123»", "user": "kim"}
{'api_key': '«abc123»', 'user': 'kim'}
{"a": "{\"password\": \"«two words»\", \"user\": \"kim\"}"}
{"a": "{\"b\": \"{\\\"token\\\": \\\"«two words»\\\"}\"}"}
{"password": "«with \" a quote»"}
{"password":"«x»"}
{"secret": ["«first one»", "«second»"]}
[{"name": "DB_PASSWORD", "value": "«hunter2»"}]
[{'name': 'DB_PASSWORD', 'value': '«hunter2»'}]
- name: DB_PASSWORD  value: «hunter2»
pwd=«hunter2»
pass=«hunter2x»
PGPASSWORD=«hunter2» psql
MYSQL_PWD=«hunter2» mysqldump
MYSQL_ROOT_PASSWORD=«hunter2»
dbpass: «hunter2x»
userPass=«hunter2x»
dbPassword: «hunter2»
db.password=«hunter2»
spring.datasource.password=«hunter2»
passphrase: «c0rrect-horse»
passphrase="«correct horse battery»"
SECRET=«abc.def»
client_secret=«abc.def»
clientSecret: "«abc def»"
SECRET_KEY_BASE=«~h64~»
DJANGO_SECRET_KEY='«a#$%^ b»'
TOKEN=«abc»
access_token=«abc»
accessToken: '«abc»'
refresh-token: «abc»
csrfToken=«abcdef»
AUTH_TOKEN=«abc»
auth=«kim:hunter2»
SIGNING_KEY=«abc»
secret key: «S3cr3tValu3»
Secret Key = «S3cr3tValu3»
auth key: «S3cr3tValu3»
ENCRYPTION_KEY=«abc»
api-key: «abc»
apikey=«abc»
Api Key: «abcdef12»
private key = «abcdef12»
AccountKey=«~64~» AccountName=x
DefaultEndpointsProtocol=https;AccountName=x;AccountKey=«~40~==»;EndpointSuffix=core.windows.net
SharedAccessKey=«~40~»
Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«~40~=»
Server=db;User Id=kim;Password=«hunter2»;Database=orders
Server=db;Pwd=«hunter2;x»;Database=orders
host=db user=kim password=«hunter2» dbname=orders
aws_secret_access_key = «~40~»
aws_session_token=«~64~»
credentials: «kim/hunter2»
creds=«kim:hunter2»
JWT=«abc.def»
jwt_secret: «abc»
otp: «482913»
SENTRY_DSN=«https://~h32~@o1.ingest.sentry.io/2»
password[0]=«hunter2»
user[password]=«hunter2»
POST /login?user=kim&password=«hunter2»&next=/ HTTP/1.1
GET /x?token=«abc» 200
GET /x?access_token=«abc»&a=1 200
GET /x?sig=«ab%2Fcd%3D»&se=2026 200
https://x.blob.core.windows.net/c/b?sv=2024&sr=b&sig=«~40~%3D»
https://b.s3.amazonaws.com/k?X-Amz-Credential=«AKIA/2026»&X-Amz-Signature=«~h64~»
https://storage.googleapis.com/b/k?X-Goog-Signature=«~h64~»
https://d.cloudfront.net/x?Expires=1&Signature=«~40~__»&Key-Pair-Id=K1
https://b.s3.amazonaws.com/k?X-Amz-Security-Token=«~64~»
user=kim%26password%3D«hunter2»
%7B%22password%22%3A%22«hunter2»%22%7D
<password>«hunter2»</password>
<Password>«two words»</Password>
<ns:apiKey>«abc»</ns:apiKey>
Authorization: Bearer «abc.def»
Authorization: Basic «a2ltOmh1bnRlcjI=»
Authorization: Token «abcdef»
Authorization: «abcdef»
Authorization: Digest username="kim", response="«~h32~»", opaque="x"
authorization: AWS4-HMAC-SHA256 Credential=«AKIAX/2026», SignedHeaders=host, Signature=«~h64~»
{"Authorization": "Bearer «abc def»"}
{'headers': {'Authorization': 'Basic «a2ltOmh1bnRlcjI=»'}}
Proxy-Authorization: Basic «a2ltOmh1bnRlcjI=»
X-Api-Key: «abc»
X-Auth-Token: «abc»
"X-Api-Key: «a b»"
'password: «two words»'
Bearer «S3cr3t»
using bearer «abcdef0123456789abcdef»
Basic «dXNlcjpwYXNzd29yZA==»
Cookie: «session=abc; theme=dark; id=3»
Set-Cookie: «sid=abc; Path=/; HttpOnly»
"cookie": "«sid=abc; b=c»"
sessionCookie=«abc»
contraseña: «hunter2»
Passwort: «hunter2»
mot de passe : «hunter2»
senha=«hunter2»
пароль: «hunter2»
密码~:~«hunter2»
パスワード: «hunter2»
비밀번호: «hunter2»
haslo=«hunter2»
ERROR invalid password "«hunter2»" password="«hunter3»"
2026-03-02 09:20 INFO connecting with password=«hunter2», retries=3
export API_TOKEN="«abc def»" && run
env: {DB_HOST: db, DB_PASSWORD: «hunter2»}
password=«ab'c»
password=«ab"cd»
password=«pa$$w0rd!»
password=«(abc)x»
password: «1234567»
token: «9f8e7d»
DB_PASSWORD: «my secret value»
- password: «my secret value» # of the reports
{"pw": "«hunter2»"}
{"a": "{\"pw\":\"«hunter2»\"}"}
{\"pw\":\"«hunter2»\"}
pw=«hunter2»
('password', '«x»')
config.set("password", "«x»")
[("api_key", "«hunter2»"), ("user", "kim")]
password~nbsp~=~nbsp~«hunter2»
password~nbsp~: «hunter2»
"""

_COMMANDS = r"""
login --password «hunter2» --user kim
login --token=«abc» --user=kim
login --access-token «abc»
tool --pass «S3cr3t»
tool -password «S3cr3t»
tool --db-password '«two words»'
tool --api-key="«two words»"
tool --client-secret «abc»
mysql -u root -p«S3cr3t» orders
mysql -uroot -p'«two words»' orders
/usr/bin/mysqldump --all -p«S3cr3t»
mariadb -p«S3cr3t» -h db
curl -u admin:«S3cr3t» https://x
curl -sSfu admin:«S3cr3t» https://x
curl -uadmin:«S3cr3t» https://x
curl --user "admin:«S3 cr3t»" https://x
curl --user=admin:«S3cr3t» https://x
curl --proxy-user a:«S3cr3t» https://x
curl -H "Authorization: Bearer «S3cr3t»" https://x
curl -H 'X-Api-Key: «abc»' https://x
curl -H Authorization:«abcdef» https://x
curl -b 'Cookie: «a=b; c=d»' https://x
curl -d '{"password": "«S3cr3t»"}' https://x
curl -d 'user=kim&password=«S3cr3t»' https://x
app -u admin:«S3cr3t»
app --user=admin:«S3cr3t» run
skopeo copy --creds kim:«S3cr3t» a b
curl -u 'admin:«S3cr3t!»' https://x
psql "host=db password='«two words»' user=kim"
tool --pass='«two words»'
wget --user kim --password «S3cr3t» https://x
sshpass -p «S3cr3t» ssh x
sshpass -p'«S3 cr3t»' ssh x
docker login -u kim -p «S3cr3t» registry.example.com
redis-cli -h cache -a «S3cr3t» ping
mongosh -u kim -p «S3cr3t» db
7z x -p«S3cr3t» a.7z
unzip -P «S3cr3t» a.zip
zip -r -P «S3cr3t» a.zip .
ldapsearch -D cn=x -w «S3cr3t» -b dc=x
smbclient //x/y -U kim%«S3cr3t»
lftp -u kim,«S3cr3t» ftp://x
openssl rsa -in k.pem -passin pass:«S3cr3t»
sqlplus kim/«S3cr3t»@db
sqlcmd -S db -U kim -P «S3cr3t»
htpasswd -bc /etc/x kim «S3cr3t»
export PGPASSWORD=«S3cr3t»; psql
PGPASSWORD=«S3cr3t» psql -h db
run --url https://x/?token=«S3cr3t»
run --connection 'Server=x;Password=«S3cr3t»'
machine x login kim password «S3cr3t»
CREATE USER kim IDENTIFIED BY '«S3 cr3t»'
ALTER ROLE kim WITH PASSWORD '«S3cr3t»'
aws configure set aws_secret_access_key «S3cr3t»
cd x && DB_PASSWORD=«S3cr3t» run
docker login -p«S3cr3t»
docker login -u kim -p«S3cr3t» registry.example.com && docker run -p 8080:80 image
az login --service-principal -u x -p«S3cr3t»
helm registry login -u kim -p «S3cr3t» x
tool --pw «S3cr3t»
tool --pw=«S3cr3t»
requirepass «S3cr3t»
CONFIG SET requirepass «S3cr3t»
masterauth «S3cr3t»
passwd «S3cr3t»
PASSWORD «S3cr3t»
ENV PASSWORD «S3cr3t»
"""

_FORMS = r"""
psql «postgres://kim:hunter2»@db/x
postgres://«kim:hunter2»@db/x
postgres://«kim:pa/ss»@db/x
postgres://«kim:pa@ss»@db/x
postgres://«u:p@ss/word»@db:5432/x
postgres://«u:p/a/s@s»@db/x
mysql+pymysql://«u:a@b/c»@db/x
https://«kim:x1y»@x.example.com/@team/pkg?email=kim@example.com
jdbc:oracle:thin:«scott/tiger»@db:1521:x
jdbc:oracle:thin:«scott/tiger»@//db:1521/x
//«kim:hunter2»@host/x
git clone //«kim:hunter2»@host/x
redis://«:hunter2»@cache:6379/0
amqp://«kim:hunter2»@mq/%2f
mongodb+srv://«kim:hunter2»@c.mongodb.net/x
https://«ghost»@example.com/x
sqlalchemy.exc: (mysql+pymysql://«kim:hunter2»@db:3306/x)
DSN «kim:hunter2»@tcp(db:3306)/x
https://«~h32~»@o1.ingest.sentry.io/2
key «AKIAABCDEFGHIJKLMNOP» ok
key «ASIAABCDEFGHIJKLMNOP» ok
«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
«~40~»
«FwoGZXIvYXdz~64~»
«IQoJb3JpZ2lu~64~»
«xoxb-~12~-~12~»
«xoxp-~12~-~12~»
«xapp-1-~12~-~12~»
https://«hooks.slack.com/services/T0/B0/~24~»
https://«hooks.slack.com/workflows/T0/B0/~24~»
https://«discord.com/api/webhooks/1/~24~»
https://«discordapp.com/api/webhooks/1/~24~»
https://«ptb.discord.com/api/v10/webhooks/1/~24~»
https://«x.webhook.office.com/webhookb2/~24~/IncomingWebhook/~24~»
https://«outlook.office.com/webhook/~24~»
https://«hooks.zapier.com/hooks/catch/1/~8~»
https://prod-1.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sp=x&sig=«~40~»
«ghp_~36~»
«gho_~36~»
«ghs_~36~»
«github_pat_~22~_~40~»
git clone https://x/«ghp_~36~».git
«glpat-~20~»
«glrt-~20~»
«npm_~36~»
«npm_~24~»
«AIza~24~»
«pypi-~24~»
«pypi-AgEIcHlwaS5vcmc~64~»
«rubygems_~h48~»
«dckr_pat_~27~»
«hf_~34~»
«sk_live_~24~»
«rk_live_~24~»
«sk_test_~24~»
«whsec_~32~»
«sk-~32~»
«sk-proj-~40~»
«sk-ant-api03-~40~»
«gsk_~40~»
«SG.~22~.~40~»
«AIza~35~»
«ya29.~40~»
«GOCSPX-~28~»
«1//0~40~»
«key-~h32~»
«~h32~-us12»
«SK~h32~»
«shpat_~h32~»
«sq0atp-~22~»
«EAAA~40~»
«dop_v1_~h64~»
«hvs.~40~»
«~14~.atlasv1.~64~»
«dp.pt.~40~»
«dapi~h32~»
«glsa_~32~_~h8~»
«NRAK-~27~»
«dt0c01.~24~.~64~»
«xkeysib-~h64~-~16~»
«PMAK-~24~-~34~»
«lin_api_~40~»
«ntn_~40~»
«figd_~40~»
«sntryu_~h64~»
«tskey-auth-~20~»
«HRKU-~h32~»
«ATATT3~64~»
«LTAI~20~»
«123456789:AA~33~»
«abc8Q~~34~»
«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.~40~»
token is «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.»
-----BEGIN RSA PRIVATE KEY-----\n«MIIE~40~»\n-----END RSA PRIVATE KEY-----
-----BEGIN PRIVATE KEY-----\n«MIIE~40~»
-----BEGIN PGP PRIVATE KEY BLOCK-----\n«lQdG~40~»\n-----END PGP PRIVATE KEY BLOCK-----
{"private_key": "-----BEGIN PRIVATE KEY-----\n«MIIE~40~»\n-----END PRIVATE KEY-----\n"}
«AGE-SECRET-KEY-1~58~»
"""

_OF_LINES = (
    "-----BEGIN RSA PRIVATE KEY-----\n«MIIEvQIBADAN»\n-----END RSA PRIVATE KEY-----\nok",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n«b3BlbnNzaC1r»\n«AAAAB3Nza»",
    # Of a tail that begins within a key.
    "«~64~»\n«k~63~»\n«Q2x4»\n-----END PRIVATE KEY-----\ndone",
    "«~64~»\n«~12~»\n-----END RSA PRIVATE KEY-----",
    "«~64~»\n«k~63~»\n«Z~63~»",
    "2026-03-02 09:20:31 «~64~»\n2026-03-02 09:20:31 «k~20~»\n2026-03-02 09:20:31 -----END EC PRIVATE KEY-----",
    "«~70~»\n«~70~»\n«~12~»\n-----END OPENSSH PRIVATE KEY-----",
    '«~64~»\\n«~12~»\\n-----END PRIVATE KEY-----\\n", "client_id": "1"',
    "- name: DB_PASSWORD\n  value: «hunter2»",
    "password: «hunter2»\nuser: kim",
    "password:\n  «hunter2secret»",
    "skopeo copy \\\n    --creds kim:«S3cr3t» a b",
    "app    -u admin:«S3cr3t»",
    "db:\n  password: |\n    «hunter2secret»\n  user: kim",
)

_INNOCENTS = r"""
processed 12 of 20 rows at 10:30
commit 356a192b7913b04c54574d18c28d46e6395428ab
sha256:~h64~
digest sha256:~h64~ pulled
sha384-~64~
md5 ~h32~
GET https://example.com/path?a=1 200
tokenizer loaded; secretary informed
tokenizer: loaded
tokenizer=gpt2
secretary: kim
error: file not found: /data/in.csv
max_tokens: 4096
max_tokens=4096
"max_tokens": 4096, "temperature": 0
Total tokens: 1532 prompt_tokens=12
completion_tokens: 77
num_tokens=3
tokens_per_second: 12.5
token_count=12
token_type: bearer
token_type=Bearer
tokenization: done
pad_token: <pad>
eos_token=</s>
Basic authentication required
Bearer authentication is required
basic: kim
Basic authorization failed for kim
password authentication failed for user "kim"
password: required
password: incorrect
Password: authentication failed
password=None
password=null
"password": null, "user": "kim"
password_policy: strong
password_file=/run/secrets/db
Invalid token: unexpected end of input
NullPointerException at Token.java:45
token_acc=0.93 loss=0.12
PASSWORD_FILE=/run/secrets/db
password_hash_algorithm: argon2
passwordless: true
has_password=true
no_password=1
secret_name=prod/db
secretName: db-credentials-x
SECRET_ARN=arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-AbCdEf
secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-AbCdEf
arn:aws:iam::123456789012:role/token-refresh
registry.example.com/team/token-refresh:v12
secrets: 3
secrets loaded: 3
credentials: missing
credentials_file=/home/kim/.aws/credentials
DB_PASSWORD=$DB_PASSWORD run
DB_PASSWORD=${DB_PASSWORD}
password: {{ vault_password }}
password=$(cat /run/secrets/db)
password = os.environ["DB_PASSWORD"]
token = os.getenv("TOKEN")
password=password
login(user=user, password=password)
password: "***"
curl -H "Authorization: Bearer $TOKEN" https://x
curl -u "$USER:$PASSWORD" https://x
mysql -p"$DB_PASSWORD" orders
author: kim
authors=3
--author kim
auth: failed
auth_type=oauth2
auth_method: iam
authentication: disabled
authority=example.com
access_key_rotation: 90
key: value
keys: 3
primary_key=id
sort_key=created_at
partition_key: customer
cache_key=orders:2026
s3 key: reports/2026/03/02/orders.csv
public_key: loaded
api_version=2026-01-01
apiVersion: v1
kms_key_id=1234abcd-12ab-34cd-56ef-1234567890ab
signature: v4
signature_version=s3v4
sig=SIGTERM
signal: 15
cookie: 3 found
cookies=3
PWD=/app
OLDPWD=/app/jobs
pass: 12 fail: 0
pass=12 fail=0
passed: 3
compass: north
bypass=1
passenger: kim
mkdir -p /data/out
docker run -p 8080:80 -u 1000:1000 image
cp -p a b
curl -u kim https://x
mysqldump --port 3306
rsync -u a:/b c
chown -u 1000:1000 /data
pypi-mirror-eu-west-1-of-2026-03-02
sk-learn-pipeline-of-2026-03-02-and-more
https://example.com:8080/path?email=kim@example.com
https://example.com/@kim/post
mailto:kim@example.com
kim@example.com
git@github.com:team/repo.git
s3://bucket/key
uuid 123e4567-e89b-12d3-a456-426614174000
b9a5e3c1-1111-2222-3333-444455556666:3
task sk-learn-pipeline
risk-assessment-of-2026-03-02-and-more
npm_config_cache=/tmp/npm
npm_lifecycle_event=start
hf_hub_download_of_model_weights_1
key-value-store-of-orders-2026-03-02
xapp-1
ghp_
AKIA
/usr/local/share/ca-certificates/extra.crt
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN
----------------------------------------
========================================
Traceback (most recent call last):
  File "/app/jobs/report.py", line 41, in <module>
MemoryError: unable to allocate 3 GiB
2026-03-02 09:20:31 INFO 120000 of 250000 rows, 1.1 s per 1000
-----BEGIN CERTIFICATE-----
ssh-rsa AAAAB3NzaC1yc2E kim
otp: sent
eyJ
next page: 3
https://docs.slack.dev/messaging
https://office.com/webhook
unit tests pass: 100%
step pass: 4/10
-u foo:bar
dsn: sentry disabled
secret: db/password
api_key_id=42
apiKeyId: 42
credentials:~n~  type: file
secrets:~n~  - name: db
["token", "secret", "auth"]
password policy
docker run -p 8080:80 login
docker login && docker run -p 8080:80 image
upward
raise TokenError("InvalidIdentityToken", "the token has no subject")
// kim:x is at home
image//kim:x
jdbc:oracle:thin:@db:1521:x
"""

SECRETS = [_sample(line) for text in (_NAMED, _COMMANDS, _FORMS) for line in text.strip("\n").split("\n")]
SECRETS += [_sample(text) for text in _OF_LINES]
INNOCENTS = [_filled(line) for line in _INNOCENTS.strip("\n").split("\n")]
