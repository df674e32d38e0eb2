package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
)

const (
	alphabet   = "bcdfghjklmnpqrstvwxz2456789"
	hashLength = 9
	maxSetName = 52
)

// revisionOf names a template: 9 characters of the hash of its canonical text.
func revisionOf(declaration string, template any) (string, error) {
	text, err := canonical(template)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	hash.Write([]byte(declaration + "\n"))
	hash.Write(text)
	name := hash.Sum(nil)[:hashLength]
	for i, digit := range name {
		name[i] = alphabet[int(digit)%len(alphabet)]
	}
	return string(name), nil
}

func setNameOf(declaration, revision string) string {
	room := maxSetName - len(revision) - 1
	if len(declaration) > room {
		declaration = declaration[:room]
	}
	return strings.TrimRight(declaration, "-.") + "-" + revision
}

// canonical writes a value with every object's keys sorted, as encoding/json does.
func canonical(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
