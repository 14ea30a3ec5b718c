-- Runs once, when the database of docker-compose.yml is made: an ordinary role that owns it, as in production.
create role ids login password 'ids' nosuperuser nobypassrls;
create database ids owner ids;
\connect ids
create extension if not exists vector;
