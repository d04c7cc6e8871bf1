"""`tokens.toml`: what is written, what is refused, and that no token is ever in it."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from guard.adapters.http import tokens
from guard.adapters.http.tokens import Role, TokenError, TokenFile, add_token, list_tokens, load_tokens, remove_token

GOOD = "sha256:" + "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


def test_a_token_is_kept_as_its_hash_only(path: Path) -> None:
    token = add_token(path, "ana", Role.OPERATE)
    text = path.read_text()
    assert token not in text
    assert token.removeprefix(tokens.PREFIX) not in text
    entry = tomllib.loads(text)["token"]["ana"]
    assert set(entry) == {"role", "hash", "created"}
    assert (entry["role"], entry["hash"]) == ("operate", tokens.hash_of(token))


def test_tokens_are_256_bits_of_chance(path: Path) -> None:
    first, second = add_token(path, "a", Role.READ), add_token(path, "b", Role.READ)
    assert first != second
    assert first.startswith("guard_")
    assert len(first) >= len("guard_") + 43


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    add_token(path, "ana", Role.READ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["tokens.toml"]


def test_tokens_are_listed_by_name_and_removed(path: Path) -> None:
    add_token(path, "zoe", Role.READ)
    add_token(path, "ana", Role.OPERATE)
    assert [(each.name, each.role) for each in list_tokens(path)] == [("ana", Role.OPERATE), ("zoe", Role.READ)]
    remove_token(path, "zoe")
    assert [each.name for each in list_tokens(path)] == ["ana"]


def test_no_file_means_no_tokens(path: Path) -> None:
    assert list_tokens(path) == []
    assert not TokenFile(path).needed()


def test_a_token_is_found_by_what_is_shown(path: Path) -> None:
    token = add_token(path, "ana", Role.OPERATE)
    add_token(path, "bob", Role.READ)
    file = TokenFile(path)
    found = file.find(token)
    assert found is not None
    assert (found.name, found.role) == ("ana", Role.OPERATE)
    assert file.find(token[:-1]) is None
    assert file.find("") is None
    assert file.find(tokens.hash_of(token)) is None


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ümlaut", "x" * 65, 'a"b', "a\n"])
def test_a_name_that_needs_quotes_is_refused(name: str, path: Path) -> None:
    with pytest.raises(TokenError, match="letters, digits"):
        add_token(path, name, Role.READ)
    assert not path.exists()


def test_a_name_that_is_taken_is_refused(path: Path) -> None:
    add_token(path, "ana", Role.READ)
    before = path.read_bytes()
    with pytest.raises(TokenError, match="there is a token ana already"):
        add_token(path, "ana", Role.OPERATE)
    assert path.read_bytes() == before


def test_a_name_that_is_not_there_cannot_be_removed(path: Path) -> None:
    with pytest.raises(TokenError, match="there is no token ana"):
        remove_token(path, "ana")


def test_there_is_a_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    add_token(path, "a", Role.READ)
    add_token(path, "b", Role.READ)
    with pytest.raises(TokenError, match="all it may have"):
        add_token(path, "c", Role.READ)
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1)
    with pytest.raises(TokenError, match="more than 1 tokens"):
        load_tokens(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[token", "cannot be read"),
        ("tokens = 1", "something other than"),
        ("token = 1", "something other than"),
        ("[token.a]\nrole = 'admin'\nhash = '" + GOOD + "'", "token.a: role is not one of: read, operate"),
        ("[token.a]\nrole = ['read']\nhash = '" + GOOD + "'", "token.a: role is not one of"),
        ("[token.a]\nrole = 'read'", "token.a: hash is not sha256:"),
        ("[token.a]\nrole = 'read'\nhash = 'sha256:abc'", "token.a: hash is not sha256:"),
        ("[token.a]\nrole = 'read'\nhash = '" + GOOD + "'\nhesh = 1", "token.a: unknown key hesh"),
        ("[token]\na = 1", "token.a: is not a table"),
        ("[token.'a b']\nrole = 'read'\nhash = '" + GOOD + "'", "token.'a b': a name has"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_entry(text: str, said: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(TokenError, match=r"tokens\.toml") as caught:
        TokenFile(path)
    assert said in str(caught.value)


def test_all_wrong_entries_are_named(path: Path) -> None:
    path.write_text("[token.a]\nrole = 'x'\n[token.b]\nrole = 'read'\n")
    with pytest.raises(TokenError) as caught:
        load_tokens(path)
    assert ["token.a" in str(caught.value), "token.b" in str(caught.value)] == [True, True]


def test_a_folder_that_is_not_there_is_an_error_with_a_name(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot be written"):
        add_token(tmp_path / "absent" / "tokens.toml", "ana", Role.READ)


def test_a_file_that_is_not_text_is_an_error_with_a_name(path: Path) -> None:
    path.write_bytes(b"\xff")
    with pytest.raises(TokenError, match="cannot be read"):
        load_tokens(path)
