import { defineConfig } from 'vite';
import { face } from '../ui/vite.face.ts';

export default defineConfig(face());
