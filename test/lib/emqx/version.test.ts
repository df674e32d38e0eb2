import { describe, expect, it } from '@jest/globals';
import { isAtLeast, versionOfImage, versionText } from '../../../lib/emqx/version.js';

describe('the version in an image', () => {
  it.each([
    ['emqx/emqx-enterprise:5.8.9', '5.8.9'],
    ['emqx/emqx-ee:e5.8.9', '5.8.9'],
    ['emqx/emqx:v5.8.9', '5.8.9'],
    ['emqx/emqx-ee:4.4.24-alpine', '4.4.24'],
    ['emqx/emqx:6.0.0-elixir', '6.0.0'],
    ['emqx/emqx:5.8', '5.8'],
    ['registry.example:5000/emqx/emqx:5.10.1', '5.10.1'],
    ['emqx/emqx:5.8.9@sha256:0123', '5.8.9'],
    ['registry.example:5000/emqx/emqx', undefined],
    ['emqx/emqx@sha256:0123', undefined],
    ['emqx/emqx:latest', undefined],
    ['emqx/emqx:build-5.8.9', undefined],
    ['emqx/emqx:20260101', undefined],
    ['registry.example/emqx:1.4.2', undefined],
    ['registry.example/emqx:2026.11.21', undefined],
    ['registry.example/emqx:v2.0', undefined],
  ])('%s is %s', (image, version) => {
    const found = versionOfImage(image);
    expect(found && versionText(found)).toBe(version);
  });
});

it.each([
  ['5.10.0', true],
  ['5.9.0', true],
  ['5.8.10', true],
  ['5.8.9', true],
  ['5.8.8', false],
  ['4.4.24', false],
  ['latest', false],
])('%s is at least 5.8.9: %s', (version, is) => {
  expect(isAtLeast(version, [5, 8, 9])).toBe(is);
});
