"""Sealing: each value opens in its own row, with its own key, unchanged, or not at all."""

import pytest
from store.records import encryption_key

from gateway.store.vault import Unreadable, Vault

ROW = "deliveries/tsk_1"
K1, K2 = encryption_key("k1"), encryption_key("k2")


@pytest.mark.parametrize("plain", [b"", b"x", b"\x00\x01", b"Zo\xc3\xab" * 10_000])
def test_what_was_sealed_opens_in_its_row(plain):
    vault = Vault([K1])
    assert vault.open(vault.seal(plain, ROW), ROW) == plain


def test_nothing_of_it_can_be_read_and_no_two_seals_are_alike():
    vault = Vault([K1])
    first, second = vault.seal(b"patient", ROW), vault.seal(b"patient", ROW)
    assert b"patient" not in first
    assert first != second


def test_it_does_not_open_in_another_row():
    vault = Vault([K1])
    with pytest.raises(Unreadable):
        vault.open(vault.seal(b"patient", ROW), "deliveries/tsk_2")


@pytest.mark.parametrize("keys", [[], [K2], [encryption_key("k1 of another house")]])
def test_it_does_not_open_without_its_key(keys):
    sealed = Vault([K1]).seal(b"patient", ROW)
    with pytest.raises(Unreadable):
        Vault(keys).open(sealed, ROW)


def test_a_key_of_the_same_id_and_other_bytes_does_not_open_it():
    impostor = type(K1)(id="k1", key=K2.key)
    with pytest.raises(Unreadable):
        Vault([impostor]).open(Vault([K1]).seal(b"patient", ROW), ROW)


def test_one_flipped_bit_anywhere_is_noticed():
    vault = Vault([K1])
    sealed = vault.seal(b"patient", ROW)
    for at in range(len(sealed)):
        forged = bytes([*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :]])
        with pytest.raises(Unreadable):
            vault.open(forged, ROW)


@pytest.mark.parametrize("stored", [b"", b"s", b"s\x05k1", b"\x02k1", b"{}", b"s\x02\xff\xff" + b"0" * 40])
def test_what_was_never_sealed_here_is_unreadable(stored):
    with pytest.raises(Unreadable):
        Vault([K1]).open(stored, ROW)


def test_the_first_key_seals_and_all_open():
    old = Vault([K1]).seal(b"patient", ROW)
    both = Vault([K2, K1])
    assert both.open(old, ROW) == b"patient"
    assert Vault([K2]).open(both.seal(b"patient", ROW), ROW) == b"patient"


def test_without_a_key_it_is_kept_in_plain_and_still_opens_once_there_is_one():
    plain = Vault().seal(b"patient", ROW)
    assert Vault([K1]).open(plain, ROW) == b"patient"
    assert (Vault().is_current(plain), Vault([K1]).is_current(plain)) == (True, False)
