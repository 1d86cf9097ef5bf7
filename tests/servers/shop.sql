-- shop.sql - the database of a shop as it may stand in a small company, for ./quickstart: 785 000 rows in a few seconds, the
-- same ones every time, and `tick`, which does what a few hundred milliseconds of business do.
SET NAMES utf8mb4;
SET sql_mode = 'NO_UNSIGNED_SUBTRACTION', time_zone = '+00:00';
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;

CREATE TABLE customers (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  email VARCHAR(120) NOT NULL,
  country CHAR(2) NOT NULL,
  city VARCHAR(60) NOT NULL,
  street VARCHAR(80) CHARACTER SET latin1 NOT NULL,
  newsletter TINYINT(1) NOT NULL DEFAULT 0,
  balance DECIMAL(10,2) NOT NULL DEFAULT 0,
  born DATE NULL,
  registered_at DATETIME NOT NULL,
  remark TEXT NULL
);

CREATE TABLE products (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  sku VARCHAR(20) NOT NULL,
  name VARCHAR(100) NOT NULL,
  category ENUM('kitchen','garden','books','toys','clothes','tools') NOT NULL,
  price DECIMAL(8,2) NOT NULL,
  weight_kg FLOAT NULL,
  stock INT NOT NULL,
  thumbnail BLOB NULL,
  changed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)
);

CREATE TABLE orders (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT UNSIGNED NOT NULL,
  state ENUM('new','paid','packed','shipped','delivered','returned') NOT NULL DEFAULT 'new',
  ordered_at DATETIME(3) NOT NULL,
  shipped_at DATETIME(3) NULL,
  packing_time TIME NULL,
  total DECIMAL(12,2) NOT NULL DEFAULT 0,
  KEY (customer_id)
);

CREATE TABLE order_items (
  order_id BIGINT UNSIGNED NOT NULL,
  line SMALLINT UNSIGNED NOT NULL,
  product_id INT UNSIGNED NOT NULL,
  quantity SMALLINT UNSIGNED NOT NULL,
  price DECIMAL(8,2) NOT NULL,
  PRIMARY KEY (order_id, line)
);

INSERT INTO customers
SELECT seq,
  CONCAT(ELT(1 + seq * 7 % 12, 'Anna', 'Jörg', 'Zoë', 'Liam', 'Chloé', 'Søren', 'Łukasz', 'Marta', 'Ivan', 'Aiko', 'Noah', 'Olga'), ' ',
         ELT(1 + seq * 11 % 13, 'Meyer', 'O''Brien', 'García', 'Nowak', 'Rossi', 'Dubois', 'Jensen', 'Kovač', 'Müller', 'Smith', 'Tanaka', 'Çelik', 'Ivanova')),
  CONCAT('customer', seq, '@', ELT(1 + seq % 4, 'example.com', 'example.org', 'mail.example', 'shop.example')),
  ELT(1 + seq % 7, 'DE', 'FR', 'GB', 'ES', 'PL', 'IT', 'JP'),
  ELT(1 + seq % 7, 'Köln', 'Orléans', 'Leeds', 'A Coruña', 'Łódź', 'Torino', '京都'),
  CONCAT(ELT(1 + seq % 5, 'Hauptstraße', 'Rue de l''Église', 'High Street', 'Calle Mayor', 'Via Roma'), ' ', 1 + seq % 200),
  seq % 3 = 0, (seq * 37 % 40000 - 2000) / 100,
  IF(seq % 9 = 0, NULL, '1940-01-01' + INTERVAL seq * 17 % 24000 DAY),
  '2019-01-01' + INTERVAL seq * 997 % 200000000 SECOND,
  IF(seq % 20 = 0, CONCAT('Prefers\tmail.\nSince ', 2000 + seq % 24), NULL)
FROM seq_1_to_60000;

INSERT INTO products
SELECT seq, CONCAT(CHAR(65 + seq % 26), '-', LPAD(seq * 7919 % 1000000, 6, '0')),
  CONCAT(ELT(1 + seq % 6, 'Bamboo', 'Steel', 'Oak', 'Crème', 'Mini', 'Giant'), ' ',
         ELT(1 + seq * 3 % 8, 'teapot', 'rake', 'novel', 'robot', 'scarf', 'hammer', 'bowl', 'lamp'), ' No. ', seq),
  1 + seq % 6, 1 + (seq * 613 % 30000) / 100, IF(seq % 11 = 0, NULL, (seq * 31 % 9000) / 1000), 50 + seq * 13 % 900,
  IF(seq % 4 = 0, NULL, UNHEX(SHA2(seq, 256))), '2024-01-01' + INTERVAL seq * 1013 SECOND
FROM seq_1_to_5000;

INSERT INTO orders
SELECT seq, 1 + seq * 7919 % 60000, IF(seq > 198000, 1 + seq % 4, 5 + (seq % 23 = 0)),
  '2023-01-01' + INTERVAL seq * 400 SECOND, IF(seq > 198000, NULL, '2023-01-02' + INTERVAL seq * 400 SECOND),
  IF(seq > 198000, NULL, SEC_TO_TIME(60 + seq % 5000)), 0
FROM seq_1_to_200000;

INSERT INTO order_items
SELECT o.seq, l.seq, 1 + (o.seq * 31 + l.seq * 1777) % 5000, 1 + (o.seq + l.seq) % 4, 1 + ((1 + (o.seq * 31 + l.seq * 1777) % 5000) * 613 % 30000) / 100
FROM seq_1_to_200000 AS o JOIN seq_1_to_4 AS l ON l.seq <= 1 + (o.seq * 13 % 16 + 1) DIV 4
ORDER BY o.seq, l.seq;

UPDATE orders JOIN (SELECT order_id, SUM(quantity * price) AS total FROM order_items GROUP BY order_id) AS t ON t.order_id = orders.id
SET orders.total = t.total;

DELIMITER //
CREATE PROCEDURE tick()
BEGIN
  DECLARE customer INT UNSIGNED DEFAULT 1 + FLOOR(RAND() * 60000);
  DECLARE latest BIGINT UNSIGNED;
  START TRANSACTION;
  INSERT INTO orders (customer_id, ordered_at) VALUES (customer, NOW(3));
  SET latest = LAST_INSERT_ID();
  INSERT INTO order_items
    SELECT latest, seq, product.id, 1 + FLOOR(RAND() * 4), product.price
    FROM (SELECT seq, 1 + FLOOR(RAND() * 5000) AS id FROM seq_1_to_5 WHERE seq <= 1 + RAND() * 4) AS chosen JOIN products AS product ON product.id = chosen.id;
  UPDATE products SET stock = stock - 1 WHERE id IN (SELECT product_id FROM order_items WHERE order_id = latest);
  UPDATE orders SET total = COALESCE((SELECT SUM(quantity * price) FROM order_items WHERE order_id = latest), 0) WHERE id = latest;
  COMMIT;
  UPDATE orders SET state = state + 1, shipped_at = IF(state = 4, NOW(3), shipped_at), packing_time = IF(state = 3, SEC_TO_TIME(60 + RAND() * 900), packing_time)
    WHERE id BETWEEN latest - 60 AND latest - 1 AND state < 5 AND RAND() < 0.05;
  IF RAND() < 0.2 THEN
    UPDATE customers SET balance = balance + 1.25, remark = IF(RAND() < 0.5, NULL, 'wrote to us') WHERE id = customer;
  END IF;
  IF RAND() < 0.1 THEN
    INSERT INTO customers (name, email, country, city, street, registered_at) VALUES ('Zoë Nowak', CONCAT('new', latest, '@example.com'), 'PL', 'Łódź', 'Piotrkowska 1', NOW());
  END IF;
  IF RAND() < 0.1 THEN
    START TRANSACTION;
    DELETE FROM order_items WHERE order_id = latest - 200;
    DELETE FROM orders WHERE id = latest - 200;
    COMMIT;
  END IF;
END //
DELIMITER ;
