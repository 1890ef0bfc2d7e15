"""Where the shell replaces a variable in a script: compared with what the shell itself does."""

from __future__ import annotations

import subprocess

import pytest

from batchtab.importers.kinds.github_actions.quoting import Place, places

AT = "${{ secrets.KEY }}"


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("echo @", Place.REPLACED),
        ("echo \"a @ 'b'\"", Place.REPLACED),
        ("echo '@'", Place.QUOTED),
        ("""echo '{"r": "@"}'""", Place.QUOTED),
        ("""echo "it's '@'" """, Place.REPLACED),
        ("""echo "x"'@'"y" """, Place.QUOTED),
        ("echo 'a\nb @'", Place.QUOTED),
        ("echo 'a'\necho \"@\"", Place.REPLACED),
        (r"echo \@", Place.ESCAPED),
        (r"echo \\@", Place.REPLACED),
        (r'echo "\@"', Place.ESCAPED),
        (r"echo \'@", Place.REPLACED),
        ("echo $'a\\'@'", Place.QUOTED),
        ("""echo "$(echo '@')" """, Place.QUOTED),
        ("""echo "$(echo "@")" """, Place.REPLACED),
        ("""echo "$(echo ')' "@")" """, Place.REPLACED),
        ("echo `echo '@'`", Place.QUOTED),
        ("# don't\necho @", Place.REPLACED),
        ("echo a#'@'", Place.QUOTED),
        ("X=a; echo ${#X} '@'", Place.QUOTED),
        ("echo ${X:-'@'}", Place.QUOTED),
        ("echo $((1 << 2)) '@'", Place.QUOTED),
        ("echo $(( (1 + 1) << 2 )) @", Place.REPLACED),
        ("(cd /; echo '@')", Place.QUOTED),
        ("cat <<EOF\nit's @\nEOF", Place.REPLACED),
        ('cat <<\'EOF\'\n{"r": "@"}\nEOF', Place.HEREDOC),
        ('cat <<"EOF"\n@\nEOF', Place.HEREDOC),
        ("cat <<\\EOF\n@\nEOF", Place.HEREDOC),
        ("cat <<-'EOF'\n\t@\n\tEOF\necho b", Place.HEREDOC),
        ("cat <<'EOF'\nit's\nEOF\necho @", Place.REPLACED),
        ("cat <<'A' - <<B\n$x'\nA\n@\nB", Place.REPLACED),
        ("cat <<'EOF' | cat\n EOF\n@\nEOF", Place.HEREDOC),
        ("cat <<EOF\n\\@\nEOF", Place.ESCAPED),
        ("""echo "$(cat <<'EOF'\nit's @\nEOF\n)" """, Place.HEREDOC),
        ("cat <<< '@'", Place.QUOTED),
        ("case a in a) echo '@';; esac", Place.QUOTED),
        ("case a in (a) echo @;; esac", Place.REPLACED),
    ],
)
def test_a_place_is_what_the_shell_makes_of_it(script: str, place: Place) -> None:
    # GIVEN a script with an expression
    assert places(script.replace("@", AT)) == [place]
    # THEN the shell replaces a variable in its place, or does not
    text = script.replace("@", "${KEY}")
    done = subprocess.run(["bash", "-c", text], env={"KEY": "s3cret", "PATH": "/usr/bin:/bin"}, check=False,
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert ("s3cret" in done.stdout) is (place is Place.REPLACED), done


def test_quotes_that_do_not_end_are_not_understood() -> None:
    assert places(f'echo "a {AT}') == [Place.UNSURE]


def test_each_expression_has_a_place() -> None:
    script = f"echo {AT} '{AT}' # it's {AT}\ncat <<'A' <<B\n{AT}\nA\n{AT}\nB\necho \"{AT}\""
    replaced, quoted, heredoc = Place.REPLACED, Place.QUOTED, Place.HEREDOC
    assert places(script) == [replaced, quoted, replaced, heredoc, replaced, replaced]
