// Check trees, tiles, proofs and notes with golang.org/x/mod/sumdb, and make the same with it.
//
// Reads one JSON request a line, answers one JSON line each.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type inclusion struct {
	Index int64
	Proof [][]byte
}

type consistency struct {
	Old   int64
	Root  []byte
	Proof [][]byte
}

type view struct {
	Vkey        string
	Note        string
	Root        []byte
	Tiles       map[string][]byte
	Inclusion   []inclusion
	Consistency []consistency
}

type request struct {
	Origin  string
	Entries [][]byte
	Ours    view
}

type answer struct {
	Problems []string
	Theirs   view
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		found[i] = h[at]
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func build(entries [][]byte) (hashes, tlog.Hash) {
	var stored hashes
	for i, entry := range entries {
		more, err := tlog.StoredHashes(int64(i), entry, stored)
		must(err)
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(entries)), stored)
	must(err)
	return stored, root
}

func asHash(raw []byte) (found tlog.Hash) {
	copy(found[:], raw)
	return found
}

func asProof(raw [][]byte) []tlog.Hash {
	found := []tlog.Hash{}
	for _, one := range raw {
		found = append(found, asHash(one))
	}
	return found
}

func asBytes(proof []tlog.Hash) [][]byte {
	found := [][]byte{}
	for _, one := range proof {
		found = append(found, append([]byte{}, one[:]...))
	}
	return found
}

// name drops the height, which the C2SP form of a tile's path leaves out.
func name(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

func tiles(size int64, stored hashes) map[string][]byte {
	found := map[string][]byte{}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		if width := size >> (height * uint(tile.L)) % 256; tile.W < 256 && int64(tile.W) != width {
			continue // those of the sizes on the way
		}
		data, err := tlog.ReadTileData(tile, stored)
		must(err)
		found[name(tile)] = data
	}
	return found
}

func check(req request, stored hashes, root tlog.Hash) (problems []string) {
	size := int64(len(req.Entries))
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	verifier, err := note.NewVerifier(req.Ours.Vkey)
	if err != nil {
		problem("vkey: %v", err)
		return problems
	}
	opened, err := note.Open([]byte(req.Ours.Note), note.VerifierList(verifier))
	if err != nil {
		problem("note: %v", err)
	} else if want := fmt.Sprintf("%s\n%d\n%v\n", req.Origin, size, root); opened.Text != want {
		problem("note text %q, want %q", opened.Text, want)
	}
	theirs := tiles(size, stored)
	if len(theirs) != len(req.Ours.Tiles) {
		problem("%d tiles, want %d", len(req.Ours.Tiles), len(theirs))
	}
	for path, data := range theirs {
		if !bytes.Equal(data, req.Ours.Tiles[path]) {
			problem("%s differs", path)
		}
	}
	for _, p := range req.Ours.Inclusion {
		leaf := tlog.RecordHash(req.Entries[p.Index])
		if err := tlog.CheckRecord(asProof(p.Proof), size, root, p.Index, leaf); err != nil {
			problem("inclusion of %d in %d: %v", p.Index, size, err)
		}
	}
	for _, p := range req.Ours.Consistency {
		if err := tlog.CheckTree(asProof(p.Proof), size, root, p.Old, asHash(p.Root)); err != nil {
			problem("consistency of %d and %d: %v", p.Old, size, err)
		}
	}
	return problems
}

func produce(req request, stored hashes, root tlog.Hash) view {
	size := int64(len(req.Entries))
	skey, vkey, err := note.GenerateKey(rand.Reader, req.Origin)
	must(err)
	signer, err := note.NewSigner(skey)
	must(err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%v\n", req.Origin, size, root)}, signer)
	must(err)
	made := view{Vkey: vkey, Note: string(signed), Root: root[:]}
	for _, p := range req.Ours.Inclusion {
		proof, err := tlog.ProveRecord(size, p.Index, stored)
		must(err)
		made.Inclusion = append(made.Inclusion, inclusion{p.Index, asBytes(proof)})
	}
	for _, p := range req.Ours.Consistency {
		proof, err := tlog.ProveTree(size, p.Old, stored)
		must(err)
		old, err := tlog.TreeHash(p.Old, stored)
		must(err)
		made.Consistency = append(made.Consistency, consistency{p.Old, append([]byte{}, old[:]...), asBytes(proof)})
	}
	return made
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var req request
		must(json.Unmarshal(line, &req))
		stored, root := build(req.Entries)
		must(out.Encode(answer{check(req, stored, root), produce(req, stored, root)}))
	}
}
